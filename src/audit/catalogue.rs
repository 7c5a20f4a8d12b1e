//! What is known of settings, formats and signs of tests: `rules/audit.toml`.

use super::Outcome;
use serde::Deserialize;
use std::sync::LazyLock;

/// What `rules/audit.toml` says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    /// Variables that name the service as its spans do.
    pub(crate) service_name: Vec<String>,
    /// Variables that hold `service.name=…` among other attributes.
    pub(crate) resource_attributes: Vec<String>,
    /// Variables that list the formats to read and write.
    pub(crate) propagators: Vec<String>,
    /// Variables that hold the address to which spans go.
    pub(crate) endpoint: Vec<String>,
    /// Metrics by which a collector tells of spans.
    pub(crate) collector_metrics: Vec<String>,
    /// Backends that take spans themselves.
    pub(crate) backend: Vec<Backend>,
    /// What values say.
    pub(crate) setting: Vec<Setting>,
    /// How a trace is written into headers.
    pub(crate) format: Vec<Format>,
    /// What shows that a test looks at traces.
    pub(crate) sign: Vec<Sign>,
}

/// A backend that takes spans itself, without a collector, and counts them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backend {
    /// Its images, without registry and version.
    pub(crate) images: Vec<String>,
    /// The port at which it tells of itself.
    pub(crate) port: u16,
    /// The metrics by which it tells of spans.
    pub(crate) metrics: Vec<String>,
}

/// The backend that an image holds.
pub(crate) fn backend(image: &str) -> Option<&'static Backend> {
    let (name, _) = image.split_once('@').unwrap_or((image, ""));
    let version = name.rfind(':').filter(|at| !name[*at..].contains('/'));
    let name = &name[..version.unwrap_or(name.len())];
    let is =
        |known: &String| name.strip_suffix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    catalogue().backend.iter().find(|backend| backend.images.iter().any(is))
}

/// What a value of a variable says of a step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setting {
    /// The step's name.
    pub(crate) step: String,
    /// The variable.
    pub(crate) variable: String,
    /// The values, in lower case.
    pub(crate) values: Vec<String>,
    /// What follows.
    pub(crate) outcome: Outcome,
    /// Why.
    pub(crate) because: String,
}

/// A format of trace headers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Format {
    /// The id that stacks use.
    pub(crate) id: String,
    /// How settings call it.
    pub(crate) names: Vec<String>,
    /// Names and values of the headers, with places for ids.
    pub(crate) headers: Vec<(String, String)>,
}

/// What shows that a test looks at traces.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sign {
    /// All of these stand in the file.
    pub(crate) words: Vec<String>,
    /// Whether it looks at one trace through several services.
    #[serde(default)]
    pub(crate) whole: bool,
    /// What it does, for people.
    pub(crate) what: String,
}

/// The catalogue; it is part of the program.
pub(crate) fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> =
        LazyLock::new(|| toml::from_str(include_str!("../../rules/audit.toml")).unwrap_or_default());
    &CATALOGUE
}

/// The format that a setting or a stack calls so.
pub(crate) fn format(name: &str) -> Option<&'static Format> {
    let name = name.trim().to_ascii_lowercase();
    catalogue().format.iter().find(|format| format.id == name || format.names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::{Catalogue, format};

    #[test]
    fn the_catalogue_is_read_and_says_something_of_everything() {
        let read: Catalogue = toml::from_str(include_str!("../../rules/audit.toml")).expect("reads");
        assert!(!read.service_name.is_empty() && !read.setting.is_empty() && !read.sign.is_empty());
        let steps = ["sampling", "export", "correlation"];
        assert!(read.setting.iter().all(|one| steps.contains(&one.step.as_str())));
        assert!(read.sign.iter().all(|sign| !sign.words.is_empty()));
        assert_eq!(format("B3 single header").map(|found| found.id.as_str()), Some("b3"));
    }
}
