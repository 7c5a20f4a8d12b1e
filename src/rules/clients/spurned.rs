//! A client that is made by hand where the container hands in what would have made it with tracing, and nothing uses that.

use super::beans::is_bean;
use super::life::{Life, Lives};
use super::sites::reports_here;
use super::told::Whose;
use super::{apart, gate, house, strangers};
use crate::finding::{Confidence, Finding, Related};
use crate::ir::Language;
use crate::knowledge::TypeRole;
use crate::link::{FuncRef, ValueRef};
use crate::services::Reach;
use crate::study::{CallFact, Study};

/// A client that nothing instruments, and the function that was given another way to make it.
pub(super) struct Spurned {
    /// Where it is made.
    pub(super) made: ValueRef,
    /// The function that makes it.
    pub(super) function: FuncRef,
    /// The position of the parameter that nothing uses.
    pub(super) param: u16,
}

impl Spurned {
    /// Says in a finding what was meant to make the client. That somebody asked for it is sign enough that calls through
    /// the client belong to traces.
    pub(super) fn note(&self, study: &Study<'_>, finding: &mut Finding) {
        if finding.confidence == Confidence::Possible {
            finding.confidence = Confidence::Likely;
        }
        let Some(param) = study.program.function(self.function).params.get(self.param as usize) else { return };
        let place = study.program.place_of(self.function.file, param.span);
        let message = format!("`{}` makes clients with tracing, and nothing uses it", param.name);
        finding.related.push(Related { place, message });
    }
}

/// The clients that are made by hand in functions which the container gives a builder or client of the same library, and
/// which leave that aside (Java).
pub(super) fn clients(lives: &Lives<'_, '_>) -> Vec<Spurned> {
    let study = lives.study;
    if study.language() != Language::Java {
        return Vec::new();
    }
    let makes = study.calls().iter().filter(|fact| fact.effect.makes == Some(TypeRole::HttpClient));
    makes.filter_map(|fact| spurned(lives, fact)).collect()
}

fn spurned(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> Option<Spurned> {
    let study = lives.study;
    let function = study.program.outermost(fact.function);
    let param = unused_param(study, function, fact)?;
    let unit = study.unit(fact.call.file);
    let is_left_out = match unit.coverage(fact.library).map(|found| &found.reach) {
        Some(Reach::Injected) => true,
        // Such a container instruments what it keeps, however that was made.
        Some(Reach::Managed) => !is_bean(study, function),
        _ => false,
    };
    let in_trace =
        is_left_out && gate::is_traced_by_code(unit, fact.library) && !apart::is_apart(study, fact.function, fact.call);
    (in_trace && stays_plain(lives, fact)).then_some(Spurned { made: fact.call, function, param })
}

/// The parameter by which the container hands in a builder or client of a call's library, where nothing uses it.
fn unused_param(study: &Study<'_>, function: FuncRef, fact: &CallFact<'_>) -> Option<u16> {
    let program = study.program;
    let decl = program.function(function);
    // Whoever calls it in the tree says what is handed in.
    if !program.callers(function).is_empty() || !(decl.flags.is_constructor || is_bean(study, function)) {
        return None;
    }
    let flow = &program.files.get(function.file as usize)?.flow;
    let is_unused = |n: &u16| flow.param_var(function.id, *n).is_none_or(|var| var.uses.is_empty());
    let is_alike = |n: &u16| {
        let described = program.param_type(function, *n).and_then(|ty| program.knowledge.ty(ty));
        described.is_some_and(|(library, ty)| library.id == fact.library.id && ty.role == TypeRole::HttpClient)
    };
    (0..decl.params.len() as u16).find(|n| is_unused(n) && is_alike(n))
}

/// Whether nothing that is seen traces a client, neither what it is made of nor what is put into it later, and a call
/// through it may be part of a request's trace.
fn stays_plain(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    let study = lives.study;
    if lives.of_parts(fact.call) == Life::Instrumented {
        return false;
    }
    let later = lives.later(fact.call);
    let is_strangers = |call: ValueRef| {
        strangers::goes_to_third_party(study, call) || house::asked(study, call) == Some(Whose::Stranger)
    };
    let uses: Vec<&CallFact<'_>> = later.uses.iter().filter_map(|call| study.fact(*call)).collect();
    let mut calls = uses.iter().filter(|used| used.effect.hop.is_some()).peekable();
    later.life != Some(Life::Instrumented)
        && !is_strangers(fact.call)
        && !uses.iter().any(|used| is_strangers(used.call))
        && (calls.peek().is_none() || calls.any(|used| reports_here(study, used)))
}
