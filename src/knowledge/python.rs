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
    generator_tests: Vec<String>,
    filter: Vec<Filter>,
    log_settings: Vec<LogSettings>,
}

/// The table of log forms in a framework's module of settings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// The word beside which programs name the module.
    pub named_by: String,
    /// The variable that holds the table.
    pub table: String,
}

/// How a method stands in front of an application.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// Its name.
    method: String,
    /// Its parameters after the object itself; `*` is any name.
    params: Vec<String>,
    /// A parameter of the constructor of its object.
    #[serde(default)]
    made_with: Option<String>,
}

/// The tables of log forms that frameworks take from modules of settings.
pub fn log_settings() -> &'static [LogSettings] {
    &KNOWN.log_settings
}

/// Whether a command of this name runs Python code.
pub fn runs_python(command: &str) -> bool {
    KNOWN.commands.iter().any(|known| known == command)
}

/// Whether code that imports this module may load others that it does not name.
pub fn loads_modules(module: &str) -> bool {
    KNOWN.loaders.iter().any(|known| known == module)
}

/// Whether code that names this asks whether a value is a generator.
pub fn tests_generator(name: &str) -> bool {
    KNOWN.generator_tests.iter().any(|known| known == name)
}

/// Whether a method of these parameters, after the object itself, stands in front of an application; `is_made_with` says
/// whether the constructor of its object has a parameter.
pub fn is_filter(method: &str, params: &[&str], is_made_with: impl Fn(&str) -> bool) -> bool {
    let fits = |wanted: &[String]| {
        wanted.len() == params.len() && wanted.iter().zip(params).all(|(wanted, own)| wanted == "*" || wanted == own)
    };
    KNOWN.filter.iter().any(|known| {
        known.method == method && fits(&known.params) && known.made_with.as_deref().is_none_or(&is_made_with)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_and_names_are_told_apart() {
        assert!(toml::from_str::<Python>(include_str!("../../rules/python.toml")).is_ok());
        assert!(runs_python("python3") && !runs_python("java"));
        assert!(tests_generator("types.GeneratorType") && !tests_generator("types.FunctionType"));
        assert!(loads_modules("importlib") && !loads_modules("json"));
        assert!(is_filter("__call__", &["scope", "receive", "send"], |_| false));
        assert!(is_filter("__call__", &["request"], |name| name == "get_response"));
        assert!(!is_filter("__call__", &["request"], |_| false));
    }
}
