//! Python decorators whose span is over when what they decorate returns, and functions that have only begun to work by then:
//! coroutine functions that a decorator does not know as such, plain functions that hand a coroutine out, generators.

use super::starts::assumption;
use super::streamed::{body_of, later};
use crate::finding::{Confidence, Finding};
use crate::ir::{Annotation, ExprId, ExprKind, Language, Span, StmtKind};
use crate::knowledge::{AnnotationRole, NameOf, speaks_of_tracing};
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::study::{Study, Summary, described_annotation};
use rustc_hash::FxHashMap;

/// Most decorated functions that a finding lists.
const MAX_RELATED: usize = 8;
/// How far what a decorator calls is looked at.
const MAX_HELPERS: usize = 3;

/// What a decorator that opens spans does with what it decorates.
#[derive(Debug, Clone, Copy)]
struct Opener {
    /// The plain call of what is decorated inside the span, where it is an own decorator and that is seen.
    runs: Option<ValueRef>,
    /// It has something for coroutine functions.
    knows_coroutines: bool,
    /// It has something for plain functions that hand a coroutine out.
    knows_results: bool,
    /// It has something for results of some type that work may come by later, such as a framework's own futures.
    knows_some_results: bool,
    /// It has something for generators.
    knows_generators: bool,
}

/// Finds spans of decorators that are over before what is decorated has begun.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    let mut own: FxHashMap<FuncRef, Option<Opener>> = FxHashMap::default();
    let mut told: FxHashMap<(FuncRef, &'static str), usize> = FxHashMap::default();
    for function in study.program.all_functions() {
        let annotations = &study.program.function(function).annotations;
        for (at, annotation) in annotations.iter().enumerate() {
            let decorator = ValueRef { file: function.file, expr: annotation.expr };
            let Some(opener) = opener(study, function.file, annotation, &mut own) else { continue };
            let Some(late) = escapes(study, function, annotations.get(at + 1..).unwrap_or_default(), &opener) else {
                continue;
            };
            let Some(confidence) = confidence(study, function) else { continue };
            // An own decorator that knows no coroutines or generators is one fault, whatever it decorates.
            let own =
                own_decorator(study, decorator).filter(|_| late.made.is_none() && !late.kind.starts_with("function"));
            if let Some(first) = own.and_then(|own| told.get(&(own, late.kind))) {
                let name = study.function_name(function);
                if let Some(finding) = out.findings.get_mut(*first).filter(|found| found.related.len() < MAX_RELATED) {
                    finding.related.push(study.related(decorator, format!("the same of `{name}`")));
                }
                continue;
            }
            told.extend(own.map(|own| ((own, late.kind), out.findings.len())));
            let place = opener.runs.filter(|_| late.by_decorator).unwrap_or(decorator);
            out.findings.push(finding(study, (function, decorator), place, &late, confidence));
        }
    }
}

/// How sure a finding about a decorated function can be; `None` where it is an example's or nothing traces it.
fn confidence(study: &Study<'_>, function: FuncRef) -> Option<Confidence> {
    let path = study.program.files.get(function.file as usize)?.source.path;
    (study.unit(function.file).is_traced() && !study.is_aside(&path)).then_some(Confidence::Certain)
}

/// Why the work of a function is not inside the span.
struct Late {
    /// What the function is, for people.
    kind: &'static str,
    /// The decorator is at fault, and not where it stands.
    by_decorator: bool,
    /// Where the work is made that comes later.
    made: Option<ValueRef>,
}

/// What a decorator does, if it opens a span around what it decorates.
fn opener(
    study: &Study<'_>,
    file: u32,
    annotation: &Annotation,
    own: &mut FxHashMap<FuncRef, Option<Opener>>,
) -> Option<Opener> {
    if let Some((_, described)) = described_annotation(study, file, annotation) {
        return (described.role == AnnotationRole::Span).then_some(Opener {
            runs: None,
            knows_coroutines: true,
            knows_results: false,
            knows_some_results: false,
            knows_generators: !described.over_at_return,
        });
    }
    let decorator = own_decorator(study, ValueRef { file, expr: annotation.expr })?;
    *own.entry(decorator).or_insert_with(|| own_opener(study, decorator))
}

/// The service's own function that a decorator calls or is.
pub(super) fn own_decorator(study: &Study<'_>, value: ValueRef) -> Option<FuncRef> {
    let program = study.program;
    let named = match program.expr_kind(value) {
        ExprKind::Call { callee, .. } => ValueRef { expr: *callee, ..value },
        _ => value,
    };
    match program.named_functions(program.qualify(named)?)[..] {
        [one] => Some(one),
        _ => None,
    }
}

fn own_opener(study: &Study<'_>, decorator: FuncRef) -> Option<Opener> {
    let inside = below(study, decorator);
    let runs = inside.iter().find_map(|function| runs_in_span(study, *function));
    if runs.is_none() && !traces(study, decorator, &inside) {
        return None;
    }
    let flags = |function: &FuncRef| study.program.function(*function).flags;
    let says = |names: &[&str]| inside.iter().any(|function| calls_by_name(study, *function, names).next().is_some());
    Some(Opener {
        runs,
        knows_coroutines: inside.iter().any(|function| flags(function).is_async)
            || says(&["iscoroutinefunction", "iscoroutine", "isawaitable", "markcoroutinefunction"]),
        knows_results: inside.iter().any(|function| awaits_results(study, *function, ASKS_FOR_COROUTINES)),
        knows_some_results: inside.iter().any(|function| awaits_results(study, *function, &["isinstance"])),
        knows_generators: says(&["isgeneratorfunction", "isasyncgenfunction", "isgenerator", "isasyncgen"])
            || inside.iter().any(|function| {
                let is_manager = !study.program.function(*function).annotations.is_empty();
                flags(function).is_generator && !is_manager
            }),
    })
}

/// A decorator with what is written in it and the own functions that it calls.
fn below(study: &Study<'_>, decorator: FuncRef) -> Vec<FuncRef> {
    let mut out: Vec<FuncRef> = Vec::new();
    let mut level = vec![decorator];
    for _ in 0..=MAX_HELPERS {
        let inner: Vec<FuncRef> = level.iter().flat_map(|function| study.with_nested(*function)).collect();
        let fresh: Vec<FuncRef> = inner.into_iter().filter(|function| !out.contains(function)).collect();
        out.extend(&fresh);
        let calls = fresh.iter().flat_map(|function| calls_in(study, *function));
        level = calls.flat_map(|call| study.program.callee(call).functions.to_vec()).collect();
        level.truncate(20);
    }
    out
}

/// Whether a decorator opens spans, by what it is called and what it does.
fn traces(study: &Study<'_>, decorator: FuncRef, inside: &[FuncRef]) -> bool {
    let name = study.program.function(decorator).name;
    let starts =
        |function: &FuncRef| study.calls_in(*function).any(|fact| fact.effect.span.is_some_and(|span| span.current));
    // Only what takes the function itself puts something around it.
    let hands_back = inside.iter().any(|function| given_call(study, *function).is_some());
    hands_back && speaks_of_tracing(&name, NameOf::Filter) && inside.iter().any(starts)
}

/// The plain call, inside the `with` of a span, of a function that the one around it is given.
fn runs_in_span(study: &Study<'_>, function: FuncRef) -> Option<ValueRef> {
    let program = study.program;
    let flags = program.function(function).flags;
    if flags.is_async || flags.is_generator {
        return None;
    }
    let given = given_call(study, function)?;
    let span = program.expr(given).span;
    let opens = |call: &ValueRef| {
        let current = study.fact(*call).is_some_and(|fact| fact.effect.span.is_some_and(|span| span.current));
        let managed = program.call_site(*call).is_some_and(|site| site.managed);
        let is_helper = || {
            let functions = program.callee(*call).functions.to_vec();
            !functions.is_empty() && study.effect_of(*call).has(Summary::STARTS)
        };
        managed && (current || is_helper()) && body_of(study, *call).is_some_and(|body| body.contains(span))
    };
    calls_in(study, function).any(|call| opens(&call)).then_some(given)
}

/// The call of a function that one around is given, as a decorator's wrapper does, and that is handed back as it is.
fn given_call(study: &Study<'_>, function: FuncRef) -> Option<ValueRef> {
    let program = study.program;
    let around: Vec<FuncRef> = std::iter::successors(program.function(function).parent, |parent| {
        program.function(FuncRef { id: *parent, ..function }).parent
    })
    .filter(|parent| parent.0 != 0)
    .map(|id| FuncRef { id, ..function })
    .collect();
    let is_given = |name: ustr::Ustr| {
        let own = program.function(function).params.iter().any(|param| param.name == name);
        let params = around.iter().flat_map(|outer| &program.function(*outer).params);
        !own && params.into_iter().any(|param| param.name == name && param.default.is_none_or(|_| true))
    };
    calls_in(study, function).find(|call| match program.expr_kind(*call) {
        ExprKind::Call { callee, args } => {
            let passes_on = args.iter().any(|arg| arg.spread != crate::ir::Spread::None);
            let is_awaited = program
                .parent(*call)
                .is_some_and(|parent| matches!(program.expr_kind(parent), ExprKind::Await(_) | ExprKind::Yield(_)));
            let named = ValueRef { expr: *callee, ..*call };
            passes_on && !is_awaited && matches!(program.expr_kind(named), ExprKind::Name(name) if is_given(*name))
        }
        _ => false,
    })
}

/// What tells whether a result is to be awaited.
const ASKS_FOR_COROUTINES: &[&str] = &["iscoroutine", "isawaitable", "isfuture"];

/// By what a result is told what to do when it is there.
const DEFERS: &[&str] =
    &["add_done_callback", "ensure_future", "create_task", "addBoth", "addCallbacks", "addCallback"];

/// Whether a function asks by one of these calls what a result is, and does something about it that ends the span later.
fn awaits_results(study: &Study<'_>, function: FuncRef, asking: &[&str]) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(function.file as usize) else { return false };
    let facts = &file.source.facts;
    let asks: Vec<Span> = calls_by_name(study, function, asking).map(|call| program.expr(call).span).collect();
    let later = |block: Span| {
        let nested = facts.functions.iter().any(|inner| block.contains(inner.span) && inner.span != block);
        let defers = calls_by_name(study, function, DEFERS);
        nested || defers.into_iter().any(|call| block.contains(program.expr(call).span))
    };
    facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::If { condition, then, .. } => {
            let asked = facts.expr(*condition).span;
            let ends = then.first().zip(then.last()).and_then(|(first, last)| {
                let at = |id: &u32| facts.stmts.get(*id as usize).map(|stmt| stmt.span);
                Some(Span { start: at(first)?.start, end: at(last)?.end })
            });
            asks.iter().any(|ask| asked.contains(*ask)) && ends.is_some_and(later)
        }
        _ => false,
    })
}

fn calls_in<'s>(study: &'s Study<'_>, function: FuncRef) -> impl Iterator<Item = ValueRef> + 's {
    let file = study.program.files.get(function.file as usize);
    file.into_iter()
        .flat_map(move |file| file.flow.calls_of(function.id))
        .map(move |site| ValueRef { file: function.file, expr: site.expr })
}

/// The calls in a function of what bears one of these names at its end.
fn calls_by_name<'s>(
    study: &'s Study<'_>,
    function: FuncRef,
    names: &'s [&'s str],
) -> impl Iterator<Item = ValueRef> + 's {
    calls_in(study, function).filter(move |call| {
        let ExprKind::Call { callee, .. } = study.program.expr_kind(*call) else { return false };
        match study.program.expr_kind(ValueRef { expr: *callee, ..*call }) {
            ExprKind::Name(name) | ExprKind::Member { name, .. } => names.contains(&name.as_str()),
            _ => false,
        }
    })
}

/// How the work of a decorated function comes after the decorator's span. `inner` are the decorators between the two.
fn escapes(study: &Study<'_>, function: FuncRef, inner: &[Annotation], opener: &Opener) -> Option<Late> {
    let decl = study.program.function(function);
    let late = |kind, by_decorator, made| Some(Late { kind, by_decorator, made });
    if inner.iter().any(|found| becomes_other(study, function.file, found)) {
        return None;
    }
    if decl.flags.is_generator {
        return (!opener.knows_generators).then(|| late("generator", opener.runs.is_some(), None))?;
    }
    if decl.flags.is_async {
        if !opener.knows_coroutines && opener.runs.is_some() {
            return late("coroutine function", true, None);
        }
        let hidden = inner.iter().find(|found| is_plain(study, function.file, found))?;
        let made = ValueRef { file: function.file, expr: hidden.expr };
        return (!opener.knows_results).then(|| late("coroutine function behind a plain one", false, Some(made)))?;
    }
    if opener.knows_results || decl.flags.is_abstract {
        return None;
    }
    let file = study.program.files.get(function.file as usize)?;
    let returned = file.flow.returns_of(function.id).flat_map(|found| &found.values);
    let returned: Vec<_> = returned.map(|expr| ValueRef { file: function.file, expr: *expr }).collect();
    let hands_back = !returned.is_empty();
    let made: Vec<_> =
        returned.iter().map(|value| later(study, *value).filter(|found| found.kind == "coroutine")).collect();
    // What runs counts for more than what is declared.
    let said = is_said_to_wait(study, function) && !returned.iter().any(|value| is_plain_result(study, *value));
    let first = made.iter().flatten().next().map(|found| found.call);
    // What is only said to be awaitable may be what the decorator knows.
    let is_said = said && !opener.knows_some_results;
    (hands_back && (is_said || made.iter().all(Option::is_some)))
        .then(|| late("function that hands a coroutine out", false, first))?
}

/// Whether a function is declared to hand something out that is awaited.
fn is_said_to_wait(study: &Study<'_>, function: FuncRef) -> bool {
    let results = &study.program.function(function).results;
    results.iter().any(|ty| matches!(ty.name.rsplit('.').next(), Some("Awaitable" | "Coroutine")))
}

/// Whether a value is what plain functions of the program's own hand back, which are not declared to hand out what is
/// awaited.
fn is_plain_result(study: &Study<'_>, value: ValueRef) -> bool {
    let is_plain = |function: &FuncRef| {
        let decl = study.program.function(*function);
        !decl.flags.is_async
            && !decl.flags.is_abstract
            && decl.annotations.is_empty()
            && !is_said_to_wait(study, *function)
            && (!decl.results.is_empty() || hands_back_objects(study, *function))
    };
    let functions = &study.program.callee(value).functions;
    !functions.is_empty() && functions.iter().all(is_plain)
}

/// Whether all that a function hands back are objects that it makes there.
fn hands_back_objects(study: &Study<'_>, function: FuncRef) -> bool {
    let Some(file) = study.program.files.get(function.file as usize) else { return false };
    let mut returned = file.flow.returns_of(function.id).flat_map(|found| &found.values).peekable();
    let is_made =
        |expr: &ExprId| study.program.callee(ValueRef { file: function.file, expr: *expr }).constructs.is_some();
    returned.peek().is_some() && returned.all(is_made)
}

/// Whether a decorator makes something of a function that this does not know: a task, a resource, a context manager.
fn becomes_other(study: &Study<'_>, file: u32, annotation: &Annotation) -> bool {
    match described_annotation(study, file, annotation) {
        Some((_, found)) => !matches!(found.role, AnnotationRole::Plain | AnnotationRole::Span),
        None => {
            let value = ValueRef { file, expr: annotation.expr };
            let is_marker = matches!(annotation.name.as_str(), "staticmethod" | "classmethod" | "override");
            !is_marker && own_decorator(study, value).is_none()
        }
    }
}

/// Whether a decorator puts a plain function in the place of a coroutine function.
fn is_plain(study: &Study<'_>, file: u32, annotation: &Annotation) -> bool {
    if let Some((_, found)) = described_annotation(study, file, annotation) {
        return found.role == AnnotationRole::Plain;
    }
    let Some(decorator) = own_decorator(study, ValueRef { file, expr: annotation.expr }) else { return false };
    let nested = study.with_nested(decorator);
    let is_async = |function: &FuncRef| study.program.function(*function).flags.is_async;
    // The wrapper that it hands back calls what is decorated, and none of its functions is a coroutine function.
    nested.iter().any(|function| given_call(study, *function).is_some())
        && !nested.iter().any(is_async)
        && calls_by_name(study, decorator, &["iscoroutinefunction", "markcoroutinefunction"]).next().is_none()
        && !below(study, decorator).iter().any(is_async)
}

fn finding(
    study: &Study<'_>,
    (function, decorator): (FuncRef, ValueRef),
    place: ValueRef,
    late: &Late,
    confidence: Confidence,
) -> Finding {
    let (name, opens) = (study.function_name(function), study.text(decorator));
    let mut finding = study.finding("span-ended-early", place, confidence);
    finding.message = match late.by_decorator {
        true => format!("the span of `@{opens}` is over before `{name}`, a {}, has begun", late.kind),
        false => format!("the span of `@{opens}` covers only the making of what `{name}` hands out, a {}", late.kind),
    };
    if !late.by_decorator && late.kind.starts_with("function") {
        finding.message =
            format!("the span of `@{opens}` is over when `{name}` hands its coroutine out, before that runs");
    }
    finding.label = "the span ends when this returns".to_owned();
    finding.effect = format!(
        "the span of `{name}` covers none of its work, whose own spans and calls hang under the span around it"
    );
    finding.help = match late.kind {
        "generator" => "start the span inside the generator, and end it in its `finally`".to_owned(),
        "coroutine function" => {
            "give the decorator an `async def` wrapper for coroutine functions, which awaits inside the span".to_owned()
        }
        "coroutine function behind a plain one" => {
            "let the other decorator hand back an `async def`, or use it as a context manager inside the function"
                .to_owned()
        }
        _ => format!("make `{name}` an `async def` that awaits what it hands out"),
    };
    finding.help += assumption(confidence);
    finding.confirm = "open a trace: the span takes no time, and the work's spans are not below it".to_owned();
    if late.by_decorator {
        finding.related.push(study.related(decorator, format!("`{name}` is decorated here")));
    }
    if let Some(made) = late.made {
        let why = match late.kind {
            "coroutine function behind a plain one" => "makes a plain function of it",
            _ => "made here, and run later",
        };
        finding.related.push(study.related(made, why));
    }
    finding
}
