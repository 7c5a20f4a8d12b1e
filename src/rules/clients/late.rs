//! instrumented-too-late.

use super::super::Verdicts;
use super::life::{Life, Lives};
use crate::finding::{Confidence, Finding, Place, Related};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{AnnotationRole, LibraryDescription, Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Study, annotation_role, functions_of};
use rustc_hash::FxHashMap;
use ustr::Ustr;

/// How far up callers are followed to a start-up hook.
const MAX_LEVELS: usize = 3;

/// Why a call that instruments comes too late.
struct Late<'a> {
    /// What the call can't reach any more, as a subject: "`app`".
    subject: String,
    /// Why, for the message.
    reason: &'static str,
    place: Place,
    label: String,
    confidence: Confidence,
    library: Option<&'a LibraryDescription>,
}

/// Judges every call that instruments by taking a constructor's place or that needs an app that has not started.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    if study.language() != Language::Python {
        return;
    }
    let hooks = start_hooks(study);
    for fact in study.calls() {
        let late = if fact.effect.replaces.is_empty() {
            fact.effect.before_start.then(|| after_start(study, fact, &hooks)).flatten()
        } else {
            given_app(study, fact)
                .or_else(|| made_before(lives, fact))
                .or_else(|| bound_before(lives, fact))
                .or_else(|| in_hook_of_replaced(study, fact, &hooks))
        };
        out.findings.extend(late.map(|late| finding(study, fact, late)));
    }
}

fn replaced(study: &Study<'_>, fact: &CallFact<'_>, name: Ustr) -> bool {
    fact.effect.replaces.contains(&name)
        || study.program.supertypes(name).iter().any(|name| fact.effect.replaces.contains(name))
}

/// The constructions that a call replaces, in the functions given, in order of evaluation.
fn constructions(study: &Study<'_>, fact: &CallFact<'_>, functions: &[FuncRef]) -> Vec<ValueRef> {
    let program = study.program;
    let made = |call: &ValueRef| {
        let callee = program.callee(*call);
        callee.constructs.or(callee.name).is_some_and(|name| replaced(study, fact, name))
    };
    let calls = functions.iter().flat_map(|function| {
        let flow = &program.files[function.file as usize].flow;
        flow.calls_of(function.id).map(|site| ValueRef { file: function.file, expr: site.expr })
    });
    calls.filter(made).collect()
}

/// The function that instruments is handed the app, so the app is there already.
fn given_app<'a>(study: &Study<'a>, fact: &CallFact<'a>) -> Option<Late<'a>> {
    let program = study.program;
    let outer = program.outermost(fact.function);
    let decl = program.function(outer);
    let is_app = |n: &usize| program.param_type(outer, *n as u16).is_some_and(|ty| replaced(study, fact, ty));
    let n = (0..decl.params.len()).filter(|n| *n > 0 || decl.owner.is_none()).find(is_app)?;
    let inside = study.with_nested(outer);
    if !constructions(study, fact, &inside).is_empty() || instruments_some_app(study, fact, &inside) {
        return None;
    }
    let param = decl.params.get(n)?;
    Some(Late {
        subject: format!("`{}`", param.name),
        reason: "is made already",
        place: program.place_of(outer.file, param.span),
        label: format!("`{}` exists when this function is called", param.name),
        confidence: Confidence::Likely,
        library: library_of(study, fact),
    })
}

/// Whether the functions instrument an app that they are given or put an instrumented middleware into it.
fn instruments_some_app(study: &Study<'_>, fact: &CallFact<'_>, functions: &[FuncRef]) -> bool {
    functions.iter().any(|function| {
        study.calls_in(*function).any(|other| other.call != fact.call && other.effect.instruments.is_some())
    })
}

/// The app was made earlier in the same function, and is instrumented in no other way.
fn made_before<'a>(lives: &Lives<'_, 'a>, fact: &CallFact<'a>) -> Option<Late<'a>> {
    let study = lives.study;
    let program = study.program;
    let all = constructions(study, fact, &[fact.function]);
    let at = program.expr(fact.call).span.start;
    let is_before = |call: &&ValueRef| program.expr(**call).span.end <= at;
    let last = all.iter().rfind(is_before)?;
    let later = all.iter().any(|call| !is_before(&call));
    if later || lives.of_construction(*last) == Life::Instrumented {
        return None;
    }
    Some(Late {
        subject: format!("the app of `{}`", study.callee_text(*last)),
        reason: "is made already",
        place: program.place(*last),
        label: "made before it is instrumented".to_owned(),
        confidence: Confidence::Certain,
        library: library_of(study, fact),
    })
}

/// The constructor's name was imported before, so it still means the original: `from shop import App`.
fn bound_before<'a>(lives: &Lives<'_, 'a>, fact: &CallFact<'a>) -> Option<Late<'a>> {
    let study = lives.study;
    let program = study.program;
    let file = program.files.get(fact.call.file as usize)?;
    let at = program.expr(fact.call).span.start;
    let import = file.source.facts.imports.iter().find(|import| {
        let early = import.function.0 == 0 && import.span.end <= at;
        early && fact.effect.replaces.contains(&import.target)
    })?;
    let functions: Vec<FuncRef> = (0..file.source.facts.functions.len())
        .map(|id| FuncRef { file: fact.call.file, id: crate::ir::FunctionId(id as u32) })
        .collect();
    let by_name = |call: &ValueRef| match program.expr_kind(*call) {
        ExprKind::Call { callee, .. } => {
            matches!(program.expr_kind(ValueRef { expr: *callee, ..*call }), ExprKind::Name(name) if *name == import.local)
        }
        _ => false,
    };
    let mut made = constructions(study, fact, &functions).into_iter().filter(by_name);
    made.find(|call| lives.of_construction(*call) != Life::Instrumented)?;
    Some(Late {
        subject: format!("`{}`", import.local),
        reason: "still names the original class, as it was imported before",
        place: program.place_of(fact.call.file, import.span),
        label: "bound to the original class here".to_owned(),
        confidence: Confidence::Certain,
        library: library_of(study, fact),
    })
}

/// The description of the library whose constructor a call replaces, for its advice.
fn library_of<'a>(study: &Study<'a>, fact: &CallFact<'a>) -> Option<&'a LibraryDescription> {
    let name = fact.effect.replaces.first()?;
    study.program.knowledge.function(*name).map(|(library, _)| library)
}

/// Functions that run when an app has started: lifespans and start-up handlers.
fn start_hooks(study: &Study<'_>) -> FxHashMap<FuncRef, Place> {
    let program = study.program;
    let mut out = FxHashMap::default();
    for fact in study.calls() {
        let Some(registers) = fact.effect.registers.filter(|registers| registers.root) else { continue };
        let is_server = fact.effect.makes == Some(TypeRole::Server)
            || study.slot(fact.call, Slot::Receiver).first().is_some_and(|on| is_of_server(study, *on));
        for handler in study.slot(fact.call, registers.handler).into_iter().filter(|_| is_server) {
            out.extend(functions_of(study, handler).into_iter().map(|function| (function, program.place(fact.call))));
        }
    }
    for function in program.all_functions() {
        for annotation in &program.function(function).annotations {
            let is_root = annotation_role(study, function.file, annotation) == Some(AnnotationRole::Root);
            if is_root && is_on_server(study, ValueRef { file: function.file, expr: annotation.expr }) {
                out.insert(function, program.place_of(function.file, annotation.span));
            }
        }
    }
    out
}

/// Whether a value is an app or a part of one: `app.on_startup`.
fn is_of_server(study: &Study<'_>, value: ValueRef) -> bool {
    let is_server = |value| study.program.role_of(value) == Some(TypeRole::Server);
    match study.program.expr_kind(value) {
        ExprKind::Member { base, .. } => is_server(value) || is_server(ValueRef { expr: *base, ..value }),
        _ => is_server(value),
    }
}

/// Whether a decorator is a method of an app: `@app.on_event("startup")`.
fn is_on_server(study: &Study<'_>, decorator: ValueRef) -> bool {
    let program = study.program;
    let callee = match program.expr_kind(decorator) {
        ExprKind::Call { callee, .. } => ValueRef { expr: *callee, ..decorator },
        _ => decorator,
    };
    match program.expr_kind(callee) {
        ExprKind::Member { base, .. } => program.role_of(ValueRef { expr: *base, ..callee }) == Some(TypeRole::Server),
        _ => false,
    }
}

/// The call runs in a hook that the app calls when its middleware is already built.
fn after_start<'a>(study: &Study<'a>, fact: &CallFact<'a>, hooks: &FxHashMap<FuncRef, Place>) -> Option<Late<'a>> {
    let program = study.program;
    let mut level = vec![fact.function];
    for _ in 0..MAX_LEVELS {
        if let Some(place) = level.iter().find_map(|function| hooks.get(function)) {
            return Some(Late {
                subject: study
                    .slot(fact.call, Slot::Arg(0))
                    .first()
                    .map_or("the app".to_owned(), |app| format!("`{}`", study.text(*app))),
                reason: "has started already",
                place: *place,
                label: "runs when the middleware is built".to_owned(),
                confidence: Confidence::Certain,
                library: None,
            });
        }
        let callers: Vec<&[ValueRef]> = level.iter().map(|function| program.callers(*function)).collect();
        // A helper that is called from elsewhere too may be in time there.
        let [only] = callers.concat()[..] else { return None };
        level = vec![program.function_at(only)];
    }
    None
}

/// The call takes the place of the constructor of an app in a hook that only an app of that type runs: it is made.
fn in_hook_of_replaced<'a>(
    study: &Study<'a>,
    fact: &CallFact<'a>,
    hooks: &FxHashMap<FuncRef, Place>,
) -> Option<Late<'a>> {
    let library = library_of(study, fact)?;
    let makes_other = || {
        let functions: Vec<FuncRef> = study.program.all_functions().collect();
        constructions(study, fact, &functions).len() != 1
    };
    let is_only_framework =
        |other: &CallFact<'_>| other.effect.makes != Some(TypeRole::Server) || other.library.id == library.id;
    let is_server = fact.effect.replaces.iter().any(|name| study.program.role(*name) == Some(TypeRole::Server));
    let unit = study.unit_of(fact.call.file);
    if !is_server || makes_other() || !study.calls_of_unit(unit).all(is_only_framework) {
        return None;
    }
    let late = after_start(study, fact, hooks)?;
    Some(Late { subject: "the app".to_owned(), reason: "is made already", library: Some(library), ..late })
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, late: Late<'_>) -> Finding {
    let call = study.callee_text(fact.call);
    let mut out = study.finding("instrumented-too-late", fact.call, late.confidence);
    out.message = format!("`{call}` has no effect here: {} {}", late.subject, late.reason);
    out.label = "comes too late".to_owned();
    out.effect =
        "There is no server span: the trace that comes in ends here, and what the handlers do starts new traces"
            .to_owned();
    out.help = match late.library.map(|library| library.mend.as_str()).filter(|mend| !mend.is_empty()) {
        Some(mend) => format!("Move `{call}` before everything that imports or makes the app, or {mend}"),
        None => format!("Call `{call}` right after the app is made, before it starts"),
    };
    out.confirm =
        "Send a request with a `traceparent` header and open that trace: this service is not in it".to_owned();
    out.related.push(Related { place: late.place, message: late.label });
    out
}
