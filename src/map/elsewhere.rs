//! Processes whose code is known only by the name of their image: the deployment has a repository of its own, or builds
//! its images elsewhere.

use super::names;
use crate::facts::{Facts, ServiceFacts, Workload};
use crate::services::image_name;
use crate::yaml::is_template;
use std::collections::{BTreeMap, BTreeSet};

/// Such processes by the service that they run.
pub(super) struct Elsewhere<'f> {
    /// By repository and place in its list of services.
    runs: BTreeMap<(usize, usize), Vec<&'f Workload>>,
    /// The places of those processes: their files, lines and names.
    taken: BTreeSet<(&'f str, u32, &'f str)>,
}

impl<'f> Elsewhere<'f> {
    /// Finds the one service that is called as the image of a process is, for each process of which its repository does not
    /// say whose code it runs.
    pub(super) fn new(all: &'f [Facts]) -> Self {
        let mut out = Self { runs: BTreeMap::new(), taken: BTreeSet::new() };
        let mut by_name: BTreeMap<String, BTreeSet<(usize, usize)>> = BTreeMap::new();
        for (repository, facts) in all.iter().enumerate() {
            for (n, service) in facts.services.iter().enumerate() {
                for name in called(facts, service) {
                    by_name.entry(name).or_default().insert((repository, n));
                }
            }
        }
        for facts in all {
            let mut by_process: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
            for workload in facts.workloads.iter().filter(|workload| workload.runs.is_empty()) {
                let image = names::plain(image_name(&workload.image));
                let Some(found) = by_name.get(&image).filter(|found| found.len() == 1) else { continue };
                let Some(at) = found.first() else { continue };
                by_process.insert(&workload.name, *at);
                out.runs.entry(*at).or_default().push(workload);
                out.taken.insert(place(workload));
            }
            // Another file starts the same process and does not write its image out.
            let is_open = |image: &str| image.is_empty() || is_template(image) || image.contains('$');
            let same = facts.workloads.iter().filter(|one| one.runs.is_empty() && is_open(&one.image));
            for (workload, at) in same.filter_map(|one| Some((one, by_process.get(one.name.as_str())?))) {
                out.runs.entry(*at).or_default().push(workload);
                out.taken.insert(place(workload));
            }
        }
        out
    }

    /// Those that run a service.
    pub(super) fn of(&self, repository: usize, service: usize) -> impl Iterator<Item = &'f Workload> {
        self.runs.get(&(repository, service)).into_iter().flatten().copied()
    }

    /// Whether a process is one of them.
    pub(super) fn is_taken(&self, workload: &'f Workload) -> bool {
        self.taken.contains(&place(workload))
    }
}

fn place(workload: &Workload) -> (&str, u32, &str) {
    (&workload.path, workload.line, &workload.name)
}

/// The names under which an image of a service may be built: its own, and that of a repository that is one service.
fn called(facts: &Facts, service: &ServiceFacts) -> BTreeSet<String> {
    let mut out = BTreeSet::from([names::plain(&service.service.name)]);
    if facts.services.len() == 1 || service.service.root == "." {
        let last = facts.repository.rsplit(['/', '+']).next().unwrap_or_default();
        out.insert(names::plain(last));
    }
    out.retain(|name| !name.is_empty() && name != "workspace");
    out
}
