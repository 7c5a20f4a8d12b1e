//! Files of environment variables.
//!
//! Source: <https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax>. No
//! library is used for it: those that there are put the variables of their own process in.

use super::launch::expand;
use crate::paths::file_name;

/// Whether this is a file of variables.
pub(super) fn is_dotenv(path: &str) -> bool {
    let name = file_name(path);
    name == ".env" || name.ends_with(".env")
}

/// The variables of a file in order, with those that stand before put in.
pub(super) fn read(text: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let line = line.trim().strip_prefix("export ").unwrap_or(line.trim());
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) {
            continue;
        }
        let value = value.trim();
        let value = match value.chars().next() {
            Some('\'') => value.trim_matches('\'').to_owned(),
            Some('"') => expand(value.trim_matches('"'), &out),
            _ => expand(value.split(" #").next().unwrap_or(value).trim_end(), &out),
        };
        out.push((name.to_owned(), value));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn variables_build_on_those_before() {
        let text =
            "# ports\nCART_PORT=7070\nexport CART=cart:${CART_PORT} # inside\nA='$CART'\nB=\"${CART}/x\"\nbad line\n";
        let found = read(text);
        let value = |name: &str| found.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!((value("CART"), value("A"), value("B")), (Some("cart:7070"), Some("$CART"), Some("cart:7070/x")));
        assert_eq!(found.len(), 4);
    }
}
