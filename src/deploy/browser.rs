//! Clients in the browser that send traces to servers of other origins.
//!
//! Their languages are not read: what they are told is known by the name of one setting, in sources that are called as
//! such code is.

use super::{known, place};
use crate::finding::Place;
use crate::ir::Span;
use crate::paths::file_name;
use crate::services::ManifestFile;
use ustr::Ustr;

/// A client in the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// The setting that says so.
    pub setting: &'static str,
    /// The headers that it sends.
    pub headers: &'static [String],
    /// Where it stands.
    pub place: Place,
}

/// The largest source that is looked at: others are made by tools.
const MAX_SOURCE: usize = 128 * 1024;

/// Whether a source may set up the traces of a browser, by its name.
pub(super) fn may_be_setup(path: &str) -> bool {
    const ENDS: &[&str] = &[".ts", ".tsx", ".js", ".jsx", ".mjs", ".vue", ".svelte"];
    const NAMES: &[&str] = &["main", "app", "_app", "index", "bootstrap"];
    let name = file_name(path).to_ascii_lowercase();
    let Some(stem) = ENDS.iter().find_map(|end| name.strip_suffix(end)) else { return false };
    let is_test = [".test", ".spec", ".d", ".min", ".stories"].iter().any(|end| stem.ends_with(end));
    !is_test && (NAMES.contains(&stem) || known().browser_sources.iter().any(|word| stem.contains(word.as_str())))
}

/// The client that a source sets up, if it does.
pub(super) fn read(file: &ManifestFile) -> Option<Browser> {
    if !may_be_setup(&file.path) || file.text.len() > MAX_SOURCE {
        return None;
    }
    known().browser.iter().find_map(|page| {
        let is_other = page.without.iter().any(|word| file.text.contains(word.as_str()));
        let at = set(&file.text, &page.setting).filter(|_| !is_other)?;
        let span = Span::new(at, at + page.setting.len());
        let place = place(Ustr::from(&file.path), span);
        Some(Browser { setting: &page.setting, headers: &page.headers, place })
    })
}

/// Where a setting is given something: no empty list, and not in a comment of its line.
fn set(text: &str, setting: &str) -> Option<usize> {
    text.match_indices(setting).map(|(at, _)| at).find(|at| {
        let line = text[..*at].rsplit('\n').next().unwrap_or_default().trim_start();
        let rest = text[at + setting.len()..].trim_start().strip_prefix(':').map(str::trim_start);
        let is_comment = line.starts_with("//") || line.starts_with('*') || line.contains("// ");
        let is_empty = |rest: &str| rest.strip_prefix('[').is_some_and(|inner| inner.trim_start().starts_with(']'));
        !is_comment && rest.is_some_and(|rest| !is_empty(rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_one_that_is_told_whom_to_send_traces_to() {
        let found = |text: &str| read(&ManifestFile::new("web/src/tracing.ts", text)).map(|one| one.setting);
        assert_eq!(found("new X({ propagateTraceHeaderCorsUrls: [/api/] })"), Some("propagateTraceHeaderCorsUrls"));
        assert_eq!(found("new X({ propagateTraceHeaderCorsUrls: [ ] })"), None);
        assert_eq!(found("  // propagateTraceHeaderCorsUrls: [/api/]"), None);
        assert!(may_be_setup("a/main.tsx") && !may_be_setup("a/tracing.test.ts") && !may_be_setup("a/list.ts"));
    }
}
