//! Calls that leave their trace whatever carries it: the context that they are given is not the one that came in.
//!
//! How a client stands says nothing of the context that a call hands it. Findings on contexts do, and where one names a call
//! that leaves the service, the way that the call goes is broken.

use super::{Crossing, HopFacts, Line, Standing};
use crate::finding::{Confidence, Finding, Place};
use crate::link::ValueRef;
use crate::study::Study;
use rustc_hash::FxHashMap;

/// The rules after whose findings a call leaves under no context of the trace at all.
const RULES: &[&str] = &["context-replaced", "context-not-passed", "framework-context", "goroutine-context"];

/// The crossings that take the context that they are given to another process.
const LEAVES: [Crossing; 3] = [Crossing::HttpCall, Crossing::RpcCall, Crossing::Produce];

/// How deep the functions are looked into that a call runs and nobody else does.
const MAX_DEPTH: u32 = 4;

/// A place, and which way a trace crosses there.
type At = (Place, Crossing);

/// Breaks the hops that findings name: the innermost call around a finding, the calls that are related to it, and what
/// leaves the service in functions that only these run.
pub(super) fn mark(
    study: &Study<'_>,
    findings: &[Finding],
    hops: &mut FxHashMap<At, HopFacts>,
    units: &mut FxHashMap<Place, usize>,
) {
    let own = findings.iter().filter(|found| found.confidence > Confidence::Possible && RULES.contains(&found.rule));
    for found in own {
        let around = hops.keys().filter(|(place, kind)| LEAVES.contains(kind) && holds(place, &found.place));
        let around = around.min_by_key(|(place, kind)| (place.span.end - place.span.start, *kind)).copied();
        let related = found.related.iter().flat_map(|other| named(study, hops, units, other.place));
        let line = line(study, found.place);
        for key in around.into_iter().chain(related.collect::<Vec<_>>()) {
            if let Some(hop) = hops.get_mut(&key).filter(|hop| hop.standing != Standing::Broken) {
                hop.standing = Standing::Broken;
                hop.because = "it is not given the context of the trace that came in".to_owned();
                found.rule.clone_into(&mut hop.rule);
                hop.lost = line.clone().filter(|lost| (&lost.path, lost.line) != (&hop.path, hop.line));
            }
        }
    }
}

/// The hops at a place: one that stands there, or that of the client on which the call there is made, or those that the
/// call alone comes to.
fn named(
    study: &Study<'_>,
    hops: &mut FxHashMap<At, HopFacts>,
    units: &mut FxHashMap<Place, usize>,
    place: Place,
) -> Vec<At> {
    if let Some(known) = standing_at(hops, place) {
        return vec![known];
    }
    let program = study.program;
    let Some((at, file)) = (0u32..).zip(&program.files).find(|(_, file)| file.source.path == place.path) else {
        return Vec::new();
    };
    let mut calls = file.flow.calls.iter().map(|site| ValueRef { file: at, expr: site.expr });
    let Some(call) = calls.find(|call| program.place(*call) == place) else { return Vec::new() };
    let client = client(study, hops, call).and_then(|key| Some((key, hops.get(&key)?.clone())));
    let Some((key, hop)) = client else {
        let mut out = Vec::new();
        below(study, hops, call, MAX_DEPTH, &mut out);
        return out;
    };
    // A client that is made for this call alone stands for it.
    if holds(&place, &key.0) {
        return vec![key];
    }
    let hop = HopFacts {
        line: file.source.facts.lines.line(place.span.start),
        path: place.path.to_string(),
        function: study.function_name(program.function_at(call)),
        ..hop
    };
    units.insert(place, units.get(&key.0).copied().unwrap_or(file.source.unit));
    hops.insert((place, key.1), hop);
    vec![(place, key.1)]
}

fn standing_at(hops: &FxHashMap<At, HopFacts>, place: Place) -> Option<At> {
    LEAVES.into_iter().map(|kind| (place, kind)).find(|key| hops.contains_key(key))
}

/// The client on which a call is made, where it stands as a hop at the place at which it is made.
fn client(study: &Study<'_>, hops: &FxHashMap<At, HopFacts>, call: ValueRef) -> Option<At> {
    let receiver = study.program.receiver(call)?;
    let mut found = None;
    study.program.origins_noting(receiver, true, |value, _| {
        let key = (study.program.place(value), Crossing::RpcCall);
        found = found.or_else(|| hops.contains_key(&key).then_some(key));
    });
    found
}

/// The hops in the functions that a call runs and nobody else does.
fn below(study: &Study<'_>, hops: &FxHashMap<At, HopFacts>, call: ValueRef, left: u32, out: &mut Vec<At>) {
    let (program, Some(left)) = (study.program, left.checked_sub(1)) else { return };
    for function in program.callee(call).functions.iter().filter(|function| program.callers(**function) == [call]) {
        let Some(file) = program.files.get(function.file as usize) else { continue };
        for site in file.flow.calls_of(function.id) {
            let inner = ValueRef { file: function.file, expr: site.expr };
            match standing_at(hops, program.place(inner)) {
                Some(key) => out.push(key),
                None => below(study, hops, inner, left, out),
            }
        }
    }
}

fn holds(outer: &Place, inner: &Place) -> bool {
    outer.path == inner.path && outer.span.contains(inner.span)
}

fn line(study: &Study<'_>, place: Place) -> Option<Line> {
    let file = study.program.files.iter().find(|file| file.source.path == place.path)?;
    Some(Line { path: place.path.to_string(), line: file.source.facts.lines.line(place.span.start) })
}
