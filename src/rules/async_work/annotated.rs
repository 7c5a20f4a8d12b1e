//! Methods that run asynchronously by annotation, on an executor that nothing makes carry the context.

use super::decorator::{decorates, surely_decorates};
use super::{mdc, task};
use crate::finding::{Confidence, Finding, Place, Related};
use crate::ir::{Expr, ExprKind, Language};
use crate::knowledge::{AnnotationRole, LibraryDescription, SettingDescription, TypeRole};
use crate::link::FuncRef;
use crate::rules::{Ruling, Verdicts};
use crate::services::Told;
use crate::study::{Inbound, Study, Summary, annotation_role};
use std::collections::BTreeMap;

/// Where a unit switches asynchronous methods on: file and place.
type Switches = BTreeMap<usize, (u32, Place)>;

/// Judges the asynchronous methods of every unit that switches them on.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Java {
        return;
    }
    let switches = switches(study);
    if switches.is_empty() {
        return;
    }
    let mut methods: BTreeMap<usize, Vec<FuncRef>> = BTreeMap::new();
    for function in study.program.all_functions() {
        let decl = study.program.function(function);
        let is_async = |found| annotation_role(study, function.file, found) == Some(AnnotationRole::Async);
        // What only start-up, timers and events of these run was given no request's context.
        let is_judged = decl.annotations.iter().any(is_async) && study.inbound(function) != Inbound::Root;
        if is_judged && !is_unused(study, function) {
            let unit = study.program.files[function.file as usize].source.unit;
            methods.entry(unit).or_default().push(function);
        }
    }
    let switched: Vec<usize> = switches.keys().copied().collect();
    for (unit, (file, place)) in switches {
        // The application switches it on for the modules that it is put together of.
        let modules = study.with_imported(unit).into_iter().filter(|at| *at == unit || !switched.contains(at));
        let methods: Vec<FuncRef> = modules.filter_map(|at| methods.get(&at)).flatten().copied().collect();
        if methods.is_empty() {
            continue;
        }
        let verdict = judge(study, unit, file, &methods);
        let ruling = match verdict.is_some() {
            true => Ruling::broken("it runs on an executor that nothing makes carry the context"),
            false => Ruling::unknown("its executor may carry the context, or its work shows nothing of a trace"),
        };
        for method in &methods {
            out.count(unit, *method, "task-context", ruling);
        }
        out.findings.extend(verdict.map(|(rule, lost)| finding(study, rule, file, place, &lost)));
    }
}

/// Whether nothing is seen to call a method, nor to be able to: it bears no other annotation, its type has nothing above it,
/// and no method reference of the tree has its name.
fn is_unused(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let decl = program.function(function);
    let has_no_supers = || {
        let owner = program.enclosing_type(function);
        owner.is_some_and(|owner| program.type_decl(owner).supers.is_empty())
    };
    let is_it = |expr: &Expr| matches!(&expr.kind, ExprKind::MethodRef { name, .. } if *name == decl.name);
    decl.annotations.len() == 1
        && program.callers(function).is_empty()
        && has_no_supers()
        && !program.files.iter().any(|file| file.source.facts.exprs.iter().any(is_it))
}

fn switches(study: &Study<'_>) -> Switches {
    let mut out = Switches::new();
    for (at, file) in study.program.files.iter().enumerate() {
        for annotation in file.source.facts.types.iter().flat_map(|ty| &ty.annotations) {
            if annotation_role(study, at as u32, annotation) == Some(AnnotationRole::EnablesAsync) {
                let place = study.program.place_of(at as u32, annotation.span);
                out.entry(file.source.unit).or_insert((at as u32, place));
            }
        }
    }
    out
}

/// What the methods lose: the trace where the unit is traced, or else the ids that it puts into the logging context itself.
fn judge(study: &Study<'_>, unit: usize, file: u32, methods: &[FuncRef]) -> Option<(&'static str, Vec<FuncRef>)> {
    let traced = study.unit(file).is_traced() && !study.unit(file).is_set_up_out_of_sight();
    let trace = traced.then(|| judge_as(study, unit, file, methods, false)).flatten();
    trace.or_else(|| judge_as(study, unit, file, methods, true))
}

fn judge_as(
    study: &Study<'_>,
    unit: usize,
    file: u32,
    methods: &[FuncRef],
    mdc_only: bool,
) -> Option<(&'static str, Vec<FuncRef>)> {
    let view = study.unit(file);
    if view.covers_all.is_some() || is_carried(study, file) || decorates(study, unit, mdc_only) {
        return None;
    }
    if mdc_only && !mdc::puts_ids(study, file) {
        return None;
    }
    let loses = |function: &&FuncRef| {
        let functions = [**function];
        !task::restores(study, &functions, false, mdc_only)
            && if mdc_only {
                mdc::logs(study, &functions) && !mdc::puts_again(study, &functions)
            } else {
                // Where the stack writes its ids into log records, a record without them is out of the trace.
                let logs = || view.logs_ids() && mdc::logs(study, &functions);
                study.summary(**function).has(Summary::STARTS | Summary::CALLS_OUT | Summary::PRODUCES) || logs()
            }
    };
    let lost: Vec<FuncRef> = methods.iter().filter(loses).copied().collect();
    let rule = if mdc_only { "mdc-lost" } else { "task-context" };
    (!lost.is_empty()).then_some((rule, lost))
}

/// Whether a function runs only behind methods that are asynchronous by annotation, and nothing is seen to make these carry
/// the context: no trace is known to come that far.
pub(in crate::rules) fn is_cut_off(study: &Study<'_>, function: FuncRef) -> bool {
    let unit = study.unit_of(function.file);
    study.is_behind_async(function)
        && study.unit(function.file).covers_all.is_none()
        && !is_carried(study, function.file)
        && !surely_decorates(study, unit)
}

/// Whether a stack covers the framework that runs asynchronous methods, or a setting makes it carry the context.
pub(super) fn is_carried(study: &Study<'_>, file: u32) -> bool {
    let view = study.unit(file);
    let enables = |library: &&LibraryDescription| {
        library.annotations.iter().any(|found| found.role == AnnotationRole::EnablesAsync)
    };
    study.program.knowledge.libraries().iter().filter(enables).any(|library| {
        let on = |setting: &SettingDescription| {
            setting.role == TypeRole::Executor && view.settings.switch(&setting.name) == Told::On
        };
        view.coverage(library).is_some() || library.settings.iter().any(on)
    })
}

fn finding(study: &Study<'_>, rule: &'static str, file: u32, place: Place, lost: &[FuncRef]) -> Finding {
    let mut out = study.finding_at(rule, file, place, Confidence::Certain);
    let first = lost.first().map(|function| study.function_name(*function)).unwrap_or_default();
    let what = if rule == "mdc-lost" { "logging context" } else { "trace context" };
    out.message = format!("Asynchronous methods such as `{first}` run on an executor that does not carry the {what}");
    out.label = "no task decorator that carries it is set in this service".to_owned();
    out.effect = if rule == "mdc-lost" {
        "The log records of these methods carry no id and can't be joined with those of the request".to_owned()
    } else {
        "The spans of these methods start traces of their own, and their log records have no id of the request's"
            .to_owned()
    };
    out.help = format!("Give the executor of `{first}` a task decorator that carries the {what}");
    out.confirm = format!("Log the id in `{first}`: it is missing, or not the caller's");
    out.related = lost
        .iter()
        .take(8)
        .map(|function| Related {
            place: study.program.place_of(function.file, study.program.function(*function).name_span),
            message: "runs on another thread".to_owned(),
        })
        .collect();
    out
}
