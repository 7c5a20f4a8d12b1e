//! Amounts of memory, as those who run containers read them.

/// An amount of memory in bytes as Kubernetes reads it: `512Mi`, `1G`, `1000000`.
///
/// Source: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>.
pub(super) fn quantity(text: &str) -> Option<u64> {
    amount(text, 1000.0)
}

/// An amount of memory in bytes as compose reads it, for which a kilobyte has 1024: `512m`, `1g`, `1gb`.
///
/// Source: <https://docs.docker.com/reference/compose-file/extension/#specifying-byte-values>.
pub(super) fn byte_value(text: &str) -> Option<u64> {
    amount(text, 1024.0)
}

fn amount(text: &str, kilo: f64) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text.get(..end)?.parse().ok()?;
    let unit = text.get(end..)?.trim().to_ascii_lowercase();
    let (letter, is_binary) = match unit.strip_suffix('i').or_else(|| unit.strip_suffix("ib")) {
        Some(letter) => (letter, true),
        None => (unit.strip_suffix('b').unwrap_or(&unit), false),
    };
    let power = ["", "k", "m", "g"].iter().position(|known| *known == letter)?;
    let bytes = number * if is_binary { 1024.0 } else { kilo }.powi(power as i32);
    // Kubernetes reads `m` as a thousandth, which nobody means.
    (1_048_576.0..1e15).contains(&bytes).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory_are_read() {
        assert_eq!(quantity("512Mi"), Some(512 << 20));
        assert_eq!(quantity("1.5Gi"), Some(3 << 29));
        assert_eq!(quantity("lots"), None);
        assert_eq!(quantity("100m"), Some(100_000_000));
        assert_eq!(quantity("1G"), Some(1_000_000_000));
        assert_eq!(
            (byte_value("1G"), byte_value("1gb"), byte_value("512Mib")),
            (Some(1 << 30), Some(1 << 30), Some(512 << 20))
        );
    }
}
