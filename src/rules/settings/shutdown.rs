//! `no-shutdown`: a provider that holds spans back is left alone when its process ends.

use super::super::Verdicts;
use super::super::clients::dark;
use super::flushed::{escapes, may_flush};
use super::handed_back::dropped;
use super::simple::is_local;
use crate::aside::is_control;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, FunctionId, Language};
use crate::knowledge::{AnnotationRole, Setting, Slot, TypeRole};
use crate::link::{FuncRef, SourceFile, ValueRef};
use crate::study::{CallFact, Study, annotation_role, is_aside};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// Finds the providers of programs that nothing flushes or shuts down.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let batching: Vec<&CallFact<'_>> = study.calls().iter().filter(|fact| fact.effect.batches).collect();
    if batching.is_empty() {
        return;
    }
    let mut seen = FxHashSet::default();
    for fact in study.calls().iter().filter(|fact| fact.effect.tracer_provider && is_left(study, fact)) {
        let source = &study.program.files[fact.call.file as usize].source;
        let batch = batching.iter().find(|batch| {
            batch.call.file == fact.call.file
                && !is_local(&study.text(batch.call))
                && holds_back(study, batch)
                && !is_of_another(study, batch, fact)
        });
        let process = process(study, fact);
        let Some(batch) = batch.filter(|_| !is_aside(&source.path) && !seen.contains(&process)) else { continue };
        if !is_set(study, fact) || !runs(study, fact.function) || is_managed(study, fact.function) {
            continue;
        }
        if escapes(study, fact) || may_flush(study, fact, fact.call.file, &FxHashSet::default()) {
            report_dropped(study, fact, batch, out);
            continue;
        }
        seen.insert(process);
        report(study, fact, batch, out);
    }
}

/// Reports the callers of a Go set-up who throw away what it hands back to end its provider, where nothing else ends it.
fn report_dropped(study: &Study<'_>, made: &CallFact<'_>, batch: &CallFact<'_>, out: &mut Verdicts) {
    if study.language() != Language::Go {
        return;
    }
    let Some(found) = dropped(study, made) else { return };
    for call in found.calls {
        let path = &study.program.files[call.file as usize].source.path;
        let is_out = is_aside(path) || !runs(study, study.program.function_at(call));
        if is_out || may_flush(study, made, call.file, &found.ends) {
            continue;
        }
        let maker = study.callee_text(call);
        let mut found = finding(study, call, batch.call);
        found.message = format!(
            "nothing shuts down the provider that `{maker}` sets up, which holds spans back to send many at once"
        );
        found.label = "never ended".to_owned();
        found.related.insert(0, study.related(made.call, "the provider is made here"));
        out.findings.push(found);
    }
}

/// What ends with a provider: the Go command that makes it, or its unit.
fn process(study: &Study<'_>, made: &CallFact<'_>) -> (usize, Option<Ustr>) {
    let file = &study.program.files[made.call.file as usize];
    let is_command = study.language() == Language::Go && file.source.facts.package == "main";
    (file.source.unit, is_command.then_some(file.module))
}

/// Whether a provider does nothing by itself when the process ends.
fn is_left(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let switch = fact.effect.ends_unless;
    let given = study.slot(fact.call, Slot::Named(switch));
    let refuses = |value: &ValueRef| matches!(study.program.expr_kind(*value), ExprKind::Lit(text) if text == "False");
    switch.is_empty() || given.iter().any(refuses)
}

/// Whether a batch is written into the call that makes another provider.
fn is_of_another(study: &Study<'_>, batch: &CallFact<'_>, made: &CallFact<'_>) -> bool {
    let span = |fact: &CallFact<'_>| study.program.expr(fact.call).span;
    let holds = |other: &CallFact<'_>| other.call.file == batch.call.file && span(other).contains(span(batch));
    let mut others = study.calls().iter().filter(|fact| fact.effect.tracer_provider && fact.call != made.call);
    !holds(made) && others.any(holds)
}

/// Whether what is held back would leave the process.
fn holds_back(study: &Study<'_>, batch: &CallFact<'_>) -> bool {
    !study.slot(batch.call, Slot::AnyArg).into_iter().any(|exporter| is_local(&study.text(exporter)))
}

/// Whether the file that makes a provider also makes it the process's own.
fn is_set(study: &Study<'_>, made: &CallFact<'_>) -> bool {
    let sets = |fact: &&CallFact<'_>| fact.effect.sets == Some(Setting::TracerProvider);
    study.calls().iter().filter(sets).any(|fact| fact.call.file == made.call.file)
}

/// How many functions are looked at on the way from a call to the start of a program.
const MAX_CALLERS: usize = 200;

/// Whether a program that is there to be deployed is seen to run a function: by what leads from its start to it.
pub(super) fn runs(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let mut seen = vec![program.outermost(function)];
    let mut at = 0;
    while let Some(function) = seen.get(at).copied().filter(|_| at < MAX_CALLERS) {
        if starts(study, function) {
            return true;
        }
        let callers = program.callers(function).iter().map(|call| program.outermost(program.function_at(*call)));
        for caller in callers.chain(run_with(study, function)) {
            if !seen.contains(&caller) {
                seen.push(caller);
            }
        }
        at += 1;
    }
    false
}

/// What runs with a Go function that no call leads to: where it is named as a value, the code of the package that holds
/// it, and with that whatever of the package is called (`var serve = &cobra.Command{Run: …}`, `serve.Execute()`).
fn run_with(study: &Study<'_>, function: FuncRef) -> Vec<FuncRef> {
    let program = study.program;
    if study.language() != Language::Go {
        return Vec::new();
    }
    let file = &program.files[function.file as usize];
    if function.id == FunctionId(0) {
        let is_near = |other: &FuncRef| program.files[other.file as usize].module == file.module;
        return program.all_functions().filter(is_near).filter(|other| other.id != FunctionId(0)).collect();
    }
    let is_literal = program.function(function).flags.is_closure;
    let is_value = program.callers(function).is_empty() && (is_literal || study.is_handed_around(function));
    is_value.then_some(FuncRef { id: FunctionId(0), ..function }).into_iter().collect()
}

/// Whether a function is the start of a program, or runs while one is loaded.
fn starts(study: &Study<'_>, function: FuncRef) -> bool {
    let source = &study.program.files[function.file as usize].source;
    let decl = study.program.function(function);
    let is_load_time =
        function.id == FunctionId(0) && (study.language() != Language::Go || source.facts.package == "main");
    let is_meant = || !is_aside(&source.path) || is_control(&source.path) && is_only_program(study, source.unit);
    dark::is_program(source) && (decl.name == "main" || is_load_time) && is_meant()
}

/// Whether all commands of a Go unit are named as tools beside a service are, and one is a service all the same: a server
/// is made in the unit.
fn is_only_program(study: &Study<'_>, unit: usize) -> bool {
    let mut sources = study.program.files.iter().map(|file| file.source).filter(|source| source.unit == unit);
    let is_other = |source: &SourceFile| dark::is_program(source) && !is_aside(&source.path);
    study.language() == Language::Go
        && !sources.any(is_other)
        && study.calls_of_unit(unit).any(|fact| fact.effect.makes == Some(TypeRole::Server))
}

/// Whether a container owns what a function makes, and closes it.
fn is_managed(study: &Study<'_>, function: FuncRef) -> bool {
    let decl = study.program.function(study.program.outermost(function));
    decl.annotations.iter().any(|found| {
        matches!(annotation_role(study, function.file, found), Some(AnnotationRole::Bean | AnnotationRole::Inject))
    })
}

fn report(study: &Study<'_>, made: &CallFact<'_>, batch: &CallFact<'_>, out: &mut Verdicts) {
    let maker = study.callee_text(made.call);
    let mut found = finding(study, made.call, batch.call);
    found.message =
        format!("nothing shuts down the provider that `{maker}` makes, which holds spans back to send many at once");
    found.label = "never flushed".to_owned();
    out.findings.push(found);
}

/// A finding at a place of code that makes a provider, or gets one, but for what is wrong there.
pub(super) fn finding(study: &Study<'_>, at: ValueRef, held: ValueRef) -> Finding {
    let service = study.unit(at.file).name.clone();
    let mut found = study.finding("no-shutdown", at, Confidence::Certain);
    found.effect = format!(
        "each time {service} ends, the spans of its last seconds are lost; what runs for a shorter time sends none at all"
    );
    found.help = "shut the provider down before the process ends, also when it is told to stop".to_owned();
    found.confirm = format!("stop {service} within a second of a request: its spans of that request never arrive");
    found.related.push(study.related(held, "the spans are held back here"));
    found
}
