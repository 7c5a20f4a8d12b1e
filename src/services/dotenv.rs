//! Files of environment variables.
//!
//! Source: <https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax>. No
//! library is used for it: those that there are put the variables of their own process in.

use super::launch::expand;
use crate::ir::Span;
use crate::paths::file_name;

/// Whether this is a file of variables.
pub(super) fn is_dotenv(path: &str) -> bool {
    let name = file_name(path);
    name == ".env" || name.ends_with(".env")
}

/// The variables of a file in order, with those that stand before put in.
pub(crate) fn read(text: &str) -> Vec<(String, String)> {
    placed(text).into_iter().map(|(name, value, _)| (name, value)).collect()
}

/// The variables of a file in order, each with its place.
pub(crate) fn placed(text: &str) -> Vec<(String, String, Span)> {
    let mut known: Vec<(String, String)> = Vec::new();
    let mut places = Vec::new();
    let mut at = 0;
    for whole in text.split_inclusive('\n') {
        let start = at + (whole.len() - whole.trim_start().len());
        at += whole.len();
        let line = whole.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) {
            continue;
        }
        let value = value.trim();
        let value = match value.chars().next() {
            Some('\'') => value.trim_matches('\'').to_owned(),
            Some('"') => expand(value.trim_matches('"'), &known),
            _ => expand(value.split(" #").next().unwrap_or(value).trim_end(), &known),
        };
        known.push((name.to_owned(), value));
        places.push(Span::new(start, start + whole.trim().len()));
    }
    known.into_iter().zip(places).map(|((name, value), place)| (name, value, place)).collect()
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
