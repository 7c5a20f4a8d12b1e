//! What hoplint knows of each tracing stack: the pages under `rules/stacks/`.

mod description;
mod switch;
mod versions;

pub use description::{Reach, Section, StackDescription};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex::Regex;
use std::sync::LazyLock;
pub use switch::{PlatformSwitch, Switch};
pub use versions::{AddressSetting, Brought, CoversSince, NewerNeed, Since, Until};

/// The stacks as `build.rs` writes them: `[[file name, description], …]`, sorted by file name.
const PAGES: &str = include_str!(concat!(env!("OUT_DIR"), "/stacks.json"));

/// A stack with its patterns made ready.
pub(in crate::services) struct Compiled {
    pub(in crate::services) page: &'static StackDescription,
    pub(in crate::services) dependencies: GlobSet,
    pub(in crate::services) agents: Vec<Regex>,
    pub(in crate::services) build_tools: Vec<Regex>,
    pub(in crate::services) images: Vec<Regex>,
    pub(in crate::services) base_images: Vec<Regex>,
    pub(in crate::services) settings_files: Vec<Regex>,
    pub(in crate::services) launchers: Vec<Vec<&'static str>>,
}

static STACKS: LazyLock<Result<Vec<StackDescription>, String>> = LazyLock::new(load);
static COMPILED: LazyLock<Vec<Compiled>> =
    LazyLock::new(|| stacks().iter().filter_map(|page| compile(page).ok()).collect());

/// All stacks, sorted by id.
pub fn stacks() -> &'static [StackDescription] {
    STACKS.as_deref().unwrap_or(&[])
}

/// All stacks with their patterns made ready, sorted by id.
pub(in crate::services) fn compiled() -> &'static [Compiled] {
    &COMPILED
}

fn load() -> Result<Vec<StackDescription>, String> {
    let pages: Vec<(String, StackDescription)> = serde_json::from_str(PAGES).map_err(|error| error.to_string())?;
    let mut pages: Vec<_> = pages.into_iter().map(|(_, page)| page).collect();
    pages.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(pages)
}

fn compile(page: &'static StackDescription) -> Result<Compiled, String> {
    Ok(Compiled {
        page,
        dependencies: globs(&page.dependencies)?,
        agents: regexes(&page.agents)?,
        build_tools: regexes(&page.build_tools)?,
        images: regexes(&page.images)?,
        base_images: regexes(&page.base_images)?,
        settings_files: regexes(&page.settings_files)?,
        launchers: page.launchers.iter().map(|words| words.split_whitespace().collect()).collect(),
    })
}

/// What any of these patterns fits.
pub(in crate::services) fn globs(patterns: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(GlobBuilder::new(pattern).literal_separator(false).build().map_err(|error| error.to_string())?);
    }
    set.build().map_err(|error| error.to_string())
}

fn regexes(patterns: &[String]) -> Result<Vec<Regex>, String> {
    patterns.iter().map(|pattern| Regex::new(pattern).map_err(|error| error.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Language;

    #[test]
    fn every_page_is_well_formed() {
        let pages = load().expect("all pages load");
        assert!(pages.len() > 40);
        for page in stacks() {
            assert!(PAGES.contains(&format!("[\"{}.toml\",", page.id)), "{}: named after its id", page.id);
            assert!(!page.languages.is_empty() && !page.sources.is_empty(), "{}", page.id);
            assert!(!(page.needs_code && page.auto_configuration), "{}", page.id);
            for patterns in [&page.companions, &page.transparent] {
                globs(patterns).unwrap_or_else(|error| panic!("{}: {error}", page.id));
            }
            regexes(&page.set_up_names).unwrap_or_else(|error| panic!("{}: {error}", page.id));
            assert_eq!(page.companions.is_empty(), page.switch_on.is_empty(), "{}", page.id);
            compile(page).unwrap_or_else(|error| panic!("{}: {error}", page.id));
            let in_resources = page.resources.iter().flat_map(|resource| &resource.when);
            for switch in page.environment.iter().chain(&page.disabled_by).chain(&page.annotations).chain(in_resources)
            {
                regexes(&switch.value.iter().cloned().collect::<Vec<_>>())
                    .unwrap_or_else(|error| panic!("{}: {error}", page.id));
            }
        }
    }

    #[test]
    fn pages_and_libraries_name_each_other() {
        let libraries = |language| crate::knowledge::Knowledge::built_in(language).libraries();
        for page in stacks() {
            let known = |id: &String| {
                id == "*" || page.languages.iter().any(|lang| libraries(*lang).iter().any(|found| found.id == *id))
            };
            for id in page.covers.iter().chain(&page.except).chain(&page.on_any_thread) {
                assert!(known(id), "{}: there is no library {id}", page.id);
            }
            for since in &page.covers_since {
                assert!(page.covers.contains(&since.library), "{}: {} is not covered", page.id, since.library);
            }
            for id in page.reach.keys() {
                assert!(page.covers.contains(id), "{}: `reach` of {id}, which it does not cover", page.id);
            }
            assert!(
                page.except.is_empty() || page.covers.iter().any(|id| id == "*"),
                "{}: `except` without `*`",
                page.id
            );
        }
        for library in [Language::Go, Language::Python, Language::Java].into_iter().flat_map(libraries) {
            for id in &library.covered_by {
                assert!(stacks().iter().any(|page| page.id == *id), "{}: there is no stack {id}", library.id);
            }
        }
    }

    #[test]
    fn ids_are_unique() {
        assert!(stacks().windows(2).all(|pair| pair[0].id != pair[1].id));
    }

    #[test]
    fn false_throws_no_switch() {
        let switch = Switch { name: "a".into(), value: None };
        assert!(switch.is_thrown("a", "true") && switch.is_thrown("a", "team/java"));
        assert!(!switch.is_thrown("a", "false") && !switch.is_thrown("b", "true"));
    }
}
