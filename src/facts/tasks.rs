//! Functions that workers run for messages: each is a way in, by the name of its task.

use super::peers::{self, Aside};
use super::{Crossing, HopFacts, Standing, Text};
use crate::finding::Place;
use crate::knowledge::{AnnotationDescription, AnnotationRole, LibraryDescription};
use crate::link::FuncRef;
use crate::study::{Study, described_annotation};

/// The rule that tells more about messages that are taken.
const RULE: &str = "consume-without-extract";

/// The tasks of a program whose library says where their names stand, each with its unit and place.
pub(super) fn taken(study: &Study<'_>, aside: &Aside) -> Vec<(usize, Place, HopFacts)> {
    let mut out = Vec::new();
    for function in study.program.all_functions() {
        let Some((library, _)) = described(study, function) else { continue };
        let mut peers = peers::of_function(study, aside, function);
        if peers.channels.is_empty() {
            peers.channels.extend(own_name(study, function));
        }
        let is_covered = study.unit(function.file).coverage(library).is_some();
        let (standing, because) = match is_covered {
            true => (Standing::Carried, "what traces the service covers the library"),
            false => (Standing::Unknown, "nothing is seen to take the trace out of the message"),
        };
        let program = study.program;
        let place = program.place_of(function.file, program.function(function).name_span);
        let lines = &program.files[function.file as usize].source.facts.lines;
        let hop = HopFacts {
            path: place.path.to_string(),
            line: lines.line(place.span.start),
            column: 1,
            kind: Crossing::Consume,
            library: library.id.clone(),
            function: study.function_name(function),
            standing,
            because: because.to_owned(),
            rule: RULE.to_owned(),
            peers,
            made: None,
            lost: None,
        };
        out.push((study.unit_of(function.file), place, hop));
    }
    out
}

/// The names by which messages ask for a task.
pub(super) fn names(study: &Study<'_>, aside: &Aside, function: FuncRef) -> Vec<Text> {
    if described(study, function).is_none() {
        return Vec::new();
    }
    let told = peers::of_function(study, aside, function).channels;
    if told.is_empty() { own_name(study, function).into_iter().collect() } else { told }
}

/// What makes a function a task whose name is known.
fn described<'a>(study: &Study<'a>, function: FuncRef) -> Option<(&'a LibraryDescription, &'a AnnotationDescription)> {
    let annotations = study.program.function(function).annotations.iter();
    let mut found = annotations.filter_map(|one| described_annotation(study, function.file, one));
    found.find(|(_, described)| described.role == AnnotationRole::Task && !described.channel.is_empty())
}

/// The name that a task has where none is given: that of its module and its own.
fn own_name(study: &Study<'_>, function: FuncRef) -> Option<Text> {
    let file = study.program.files.get(function.file as usize)?;
    let name = study.program.function(function).name;
    (!name.is_empty()).then(|| Text::literal(&format!("{}.{name}", crate::link::plain(&file.module))))
}
