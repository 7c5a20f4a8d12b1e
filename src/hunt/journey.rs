//! A journey as somebody writes it: `gateway → checkout → email`.

use super::names::Names;
use crate::report::text::clean;
use crate::rulepage;

/// The services that a request meets, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journey {
    /// As nodes of the map.
    pub nodes: Vec<usize>,
    /// What was assumed when it was made.
    pub notes: Vec<String>,
}

/// A name that the map does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the map has no one service that is called `{name}`")]
pub struct JourneyError {
    /// The name.
    pub name: String,
    /// What may have been meant, or what there is.
    pub help: String,
}

/// What stands between the names.
const BETWEEN: &[&str] = &["→", "->", "=>", ">", ","];

/// Reads a journey.
pub fn parse(text: &str, names: &Names) -> Result<Journey, JourneyError> {
    let mut parts = vec![text];
    for between in BETWEEN {
        parts = parts.into_iter().flat_map(|part| part.split(between)).collect();
    }
    let mut out = Journey::default();
    for name in parts.into_iter().map(str::trim).filter(|name| !name.is_empty()) {
        let at = find(name, names)?;
        if out.nodes.last() != Some(&at) {
            out.nodes.push(at);
        }
    }
    if out.nodes.is_empty() {
        return Err(unknown(text, names));
    }
    Ok(out)
}

/// The service of this name.
pub(super) fn find(name: &str, names: &Names) -> Result<usize, JourneyError> {
    names.find(name).ok_or_else(|| unknown(name, names))
}

/// How many names are offered.
const MAX_OFFERED: usize = 30;

/// That a name is not known, with what there is.
pub(super) fn unknown(name: &str, names: &Names) -> JourneyError {
    let close = rulepage::closest(name, names.all().map(|(_, name)| name));
    let all: Vec<String> = names.all().map(|(_, name)| clean(name)).collect();
    let more = if all.len() > MAX_OFFERED { ", …" } else { "" };
    let there = format!("the map has {}{more}", all.iter().take(MAX_OFFERED).cloned().collect::<Vec<_>>().join(", "));
    let help = match close {
        Some(close) => format!("did you mean `{close}`? {there}"),
        None if all.is_empty() => "the map is empty: are the folders of the services named?".to_owned(),
        None => there,
    };
    JourneyError { name: clean(name), help }
}
