//! By which protocol a container sends its spans.

use super::Material;
use super::environment::first;
use crate::deploy::{Container, Speaks, known};
use crate::finding::Place;
use crate::ir::Language;
use crate::study::UnitView;

/// The variables that say it, the one that goes before the other first.
pub(super) const VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];

/// A protocol with what says so.
pub(super) struct Spoken<'a> {
    /// Its name, as variables have it.
    pub(super) name: &'a str,
    /// What says so, to be put behind the name.
    pub(super) why: String,
    /// The variable that says so.
    pub(super) at: Option<Place>,
}

/// The protocol of a container: as its variables say, else as its program has it by itself.
pub(super) fn of<'a>(material: &Material<'a>, container: &'a Container) -> Option<Spoken<'a>> {
    let unit = material.unit(container);
    // In Go the code chooses the protocol, unless it uses the package that reads the variable.
    let is_read =
        unit.is_none_or(|unit| unit.language != Language::Go || unit.dependencies.contains(&known().go_exporters));
    if is_read && VARIABLES.iter().any(|name| container.sets(name)) {
        let (_, name, place) = first(container, &VARIABLES)?;
        return Some(Spoken { name, why: String::new(), at: Some(place) });
    }
    if container.is_open {
        return None;
    }
    known().speaks.iter().find_map(|page| {
        let why = fits(page, unit, container)?;
        Some(Spoken { name: &page.protocol, why: format!(" ({why})"), at: None })
    })
}

/// Whether a description is one of this program, and why.
fn fits(page: &Speaks, unit: Option<&UnitView>, container: &Container) -> Option<String> {
    let mut why = None;
    if !page.variable.is_empty() {
        let (value, _) = container.variable(&page.variable)?;
        why = value.contains(&page.contains).then(|| format!("the default of `{}`", page.contains));
        why.as_ref()?;
    }
    if !page.dependency.is_empty() {
        let has = |name: &String| unit.is_some_and(|unit| unit.dependencies.contains(name));
        if !has(&page.dependency) || page.without.iter().any(has) {
            return None;
        }
        let short = page.dependency.rsplit('/').next().unwrap_or_default();
        why = Some(format!("it depends on `{short}`"));
    }
    if !page.stack.is_empty() {
        let unit = unit?;
        unit.stacks.iter().find(|stack| stack.active && stack.stack == page.stack)?;
        why = Some(format!("the default of {}", crate::services::title_of(&page.stack)));
    }
    if let Some(fetched) = &page.fetched {
        container.fetches.iter().find(|command| fetched.is_match(command))?;
    }
    why
}
