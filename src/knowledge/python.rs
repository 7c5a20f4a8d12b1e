//! How Python programs are started and load code: `rules/python.toml`.

use serde::Deserialize;
use std::sync::LazyLock;

static KNOWN: LazyLock<Python> =
    LazyLock::new(|| toml::from_str(include_str!("../../rules/python.toml")).unwrap_or_default());

/// The file `rules/python.toml`, which documents its fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Python {
    commands: Vec<String>,
    loaders: Vec<String>,
}

/// Whether a command of this name runs Python code.
pub fn runs_python(command: &str) -> bool {
    KNOWN.commands.iter().any(|known| known == command)
}

/// Whether code that imports this module may load others that it does not name.
pub fn loads_modules(module: &str) -> bool {
    KNOWN.loaders.iter().any(|known| known == module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_and_names_are_told_apart() {
        assert!(toml::from_str::<Python>(include_str!("../../rules/python.toml")).is_ok());
        assert!(runs_python("python3") && !runs_python("java"));
        assert!(loads_modules("importlib") && !loads_modules("json"));
    }
}
