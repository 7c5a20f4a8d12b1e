//! Whether one end of a way writes what the other one reads, as far as variables and stacks tell.

use super::Question;
use super::causes::services_of;
use crate::audit::catalogue::catalogue;
use crate::audit::settings::{formats, known, values, workloads};
use std::collections::BTreeSet;

/// Two ends that speak different formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Differ {
    /// The end at which the line stands.
    pub(super) node: usize,
    /// The file.
    pub(super) path: String,
    /// 1-based line of the variable or the code that says so.
    pub(super) line: u32,
    /// Whether both ends say what they speak, and none only goes by its default.
    pub(super) is_told: bool,
    /// One sentence, no full stop.
    pub(super) message: String,
}

/// What two ends speak, where they share no format of those that are known, and a variable or the code of one of them says so.
pub(super) fn differ(question: &Question<'_>, from: usize, to: usize) -> Option<Differ> {
    let read = |at: usize| question.map.nodes.get(at).and_then(|node| formats(question.facts, node));
    let (writes, written) = read(from)?;
    let (reads, told) = read(to)?;
    let ids = |names: &[String]| known(names).into_iter().map(|format| format.id.as_str()).collect::<BTreeSet<_>>();
    let (left, right) = (ids(&writes), ids(&reads));
    // Of names that are not known nothing can be said.
    if left.is_empty() || right.is_empty() || !left.is_disjoint(&right) {
        return None;
    }
    let mut said = [to, from].into_iter().filter_map(|at| Some((at, said(question, at)?)));
    let (node, (path, line)) = said.next()?;
    let is_told = said.next().is_some();
    let (from, to) = (question.names.of(from), question.names.of(to));
    let (writes, reads) = (writes.join(","), reads.join(","));
    let message = format!("{from} writes {writes} ({written}), and {to} reads {reads} ({told})");
    Some(Differ { node, path, line, is_told, message })
}

/// The code or the variable by which a node says what it speaks: its file and 1-based line.
fn said(question: &Question<'_>, at: usize) -> Option<(String, u32)> {
    let node = question.map.nodes.get(at)?;
    let in_code = services_of(question, at).find_map(|facts| facts.formats.as_ref());
    in_code.map(|set| (set.path.clone(), set.line)).or_else(|| {
        let own = workloads(question.facts, node);
        let set = values(&own, &catalogue().propagators).into_iter().next()?;
        Some((set.workload.path.clone(), set.variable.line))
    })
}
