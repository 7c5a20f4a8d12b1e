//! `consume-without-extract`: a message is handled outside its trace.

use super::super::{Ruling, Verdicts};
use super::client::{Instance, Plugged, instance, unseen};
use super::hops::{hop_calls, loop_over, method_name};
use super::made::made_handlers;
use super::material::names_key;
use super::produce::{MANAGED, PLUGGED, UNTRACED, not_switched_on};
use super::{managed, relay, reply, waiting};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{AnnotationRole, HopKind, LibraryDescription, SettingDescription, Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Inbound, Study, Summary, described_annotation, functions_of, handling};
use rustc_hash::FxHashSet;

/// How many callers up the message may be handled.
const CALLERS_UP: usize = 4;

const RULE: &str = "consume-without-extract";
const LOST: &str = "what its handler does is not under the trace of the message";

/// Judges every call that receives messages, and every handler that is registered or annotated for them.
pub(super) fn check<'a>(study: &Study<'a>, traced: &FxHashSet<usize>, plugged: &Plugged<'a>, out: &mut Verdicts) {
    let mut seen = FxHashSet::default();
    for fact in &hop_calls(study, &[HopKind::Consume]) {
        let unit = study.unit_of(fact.call.file);
        if !traced.contains(&unit) || managed::judges(study, fact) {
            out.pass(fact.call, RULE, if traced.contains(&unit) { MANAGED } else { UNTRACED });
            continue;
        }
        match judge(study, fact) {
            Ok(ruling) => out.count(unit, fact.call, RULE, ruling),
            Err(_) if plugged.has(study, fact.call.file, fact.library) => {
                out.count(unit, fact.call, RULE, Ruling::unknown(PLUGGED));
            }
            Err(found) => {
                out.count(unit, fact.call, RULE, Ruling::broken(LOST));
                if seen.insert(found.place) {
                    out.findings.push(*found);
                }
            }
        }
    }
    for (function, library) in given_by_library(study) {
        let unit = study.unit_of(function.file);
        if !traced.contains(&unit) || plugged.has(study, function.file, library) {
            out.pass(function, RULE, if traced.contains(&unit) { PLUGGED } else { UNTRACED });
            continue;
        }
        match judge_given(study, function, library) {
            Ok(because @ (COVERED | EXTRACTED)) => out.carried(function, RULE, because),
            Ok(because) => out.pass(function, RULE, because),
            Err(found) if seen.insert(found.place) => {
                out.count(unit, function, RULE, Ruling::broken(LOST));
                out.findings.push(*found);
            }
            Err(_) => {}
        }
    }
}

/// The functions that are registered for messages and begin without their traces (Go): nothing covers or instruments what
/// calls them, and neither they nor what is around them reads a trace or starts a span.
pub(in crate::rules) fn untraced_handlers(study: &Study<'_>) -> FxHashSet<FuncRef> {
    let mut out = FxHashSet::default();
    if study.language() != Language::Go {
        return out;
    }
    let plugged = Plugged::default();
    let reads = Summary::EXTRACTS | Summary::INSTRUMENTS;
    for fact in &hop_calls(study, &[HopKind::Consume]) {
        let is_open = fact.effect.registers.is_none()
            || study.unit(fact.call.file).coverage(fact.library).is_some()
            || plugged.has(study, fact.call.file, fact.library)
            || instance(study, fact) == Instance::Instrumented;
        if is_open {
            continue;
        }
        // A span further down stands for what is below it alone.
        let is_dark = |handler: &Handler| !handled(study, handler).has(reads) && !starts_here(study, handler.function);
        let handlers = handlers(study, fact).into_iter().filter(is_dark);
        out.extend(handlers.map(|handler| handler.function));
    }
    out.extend(without_plugs(study, &plugged));
    out
}

/// The functions that are registered with what hands out work and takes up traces only by what is plugged into it, where
/// nothing near plugs anything in (`worker.RegisterActivity(pack)`).
fn without_plugs<'a>(study: &Study<'a>, plugged: &Plugged<'a>) -> Vec<FuncRef> {
    let is_plugged = |unit: usize, library: &LibraryDescription| {
        let instruments = |fact: &CallFact<'_>| fact.library.id == library.id && fact.effect.instruments.is_some();
        plugged.in_unit(study, unit, library) || study.calls_of_unit(unit).any(instruments)
    };
    let is_without = |fact: &&CallFact<'_>| {
        let library = fact.library;
        let mut on = study.slot(fact.call, Slot::Receiver).into_iter();
        !library.plugs.is_empty()
            && fact.effect.hop.is_none()
            && on.any(|on| study.program.role_of(on) == Some(TypeRole::Consumer))
            && study.unit(fact.call.file).coverage(library).is_none()
            && !study.units_near(study.unit_of(fact.call.file)).into_iter().any(|unit| is_plugged(unit, library))
    };
    let registering =
        study.calls().iter().filter_map(|fact| Some((fact, fact.effect.registers.filter(|found| !found.root)?)));
    let without = registering.filter(|(fact, _)| is_without(fact));
    let handlers = without.flat_map(|(fact, registers)| study.slot(fact.call, registers.handler));
    let functions = handlers.flat_map(|handler| functions_of(study, handler));
    functions.filter(|function| !starts_here(study, *function)).collect()
}

/// Whether a function starts a span itself, or is handed one by a helper.
fn starts_here(study: &Study<'_>, function: FuncRef) -> bool {
    study.with_nested(function).into_iter().any(|inner| {
        let Some(file) = study.program.files.get(inner.file as usize) else { return true };
        let mut calls = file.flow.calls_of(inner.id).map(|site| ValueRef { file: inner.file, expr: site.expr });
        calls.any(|call| hands_out_span(study, call) || study.own_effect(call).has(Summary::STARTS))
    })
}

/// The functions that a library gives messages to, by annotation or by the type that they belong to.
fn given_by_library<'a>(study: &Study<'a>) -> Vec<(FuncRef, &'a LibraryDescription)> {
    let mut out: Vec<_> = handling(study).into_iter().filter(|(_, library)| consumes(library)).collect();
    for function in study.program.all_functions() {
        let annotations = study.program.function(function).annotations.iter();
        let described = annotations.filter_map(|found| described_annotation(study, function.file, found));
        let mut consumers = described.filter(|(_, found)| found.role == AnnotationRole::Consumer);
        out.extend(consumers.next().map(|(library, _)| (function, library)));
    }
    out.extend(made_handlers(study));
    out
}

/// Whether a library hands out messages.
pub(super) fn consumes(library: &LibraryDescription) -> bool {
    library.types.iter().any(|ty| ty.role == TypeRole::Consumer)
}

/// The trace of a message is taken on: why.
const COVERED: &str = "what traces the service covers the library";
const EXTRACTED: &str = "it extracts, itself or in a function that it calls";

/// Judges a function that a library gives messages to: a finding, or why there is none.
fn judge_given(
    study: &Study<'_>,
    function: FuncRef,
    library: &LibraryDescription,
) -> Result<&'static str, Box<Finding>> {
    let unit = study.unit(function.file);
    let handler = Handler { function, by: By::Library };
    if unit.coverage(library).is_some() {
        return Ok(COVERED);
    }
    if handled(study, &handler).has(Summary::EXTRACTS) {
        return Ok(EXTRACTED);
    }
    let reads = |setting: &SettingDescription| !setting.name.is_empty() && unit.has_family(&setting.family);
    if library.settings.iter().any(reads) {
        return Ok(MANAGED);
    }
    if unseen(study, library) != Instance::Unseen {
        return Ok("the code instruments something of the library, which may be what calls it");
    }
    if is_decorated(study, function, library) {
        return Ok("another handler of the service extracts and hands on by the same method");
    }
    match loses(study, None, &handler) {
        Some(work) => Err(Box::new(finding(study, None, library, &handler, work, Confidence::Likely))),
        None => Ok("it is not seen to do work that belongs to the trace of a message"),
    }
}

/// Whether something of the service's own stands before the handlers of a library: it extracts and hands on by the same
/// method.
fn is_decorated(study: &Study<'_>, function: FuncRef, library: &LibraryDescription) -> bool {
    let name = study.program.function(function).name;
    let hands_on = |other: FuncRef| {
        let calls = study.with_nested(other).into_iter().flat_map(|inner| {
            let file = &study.program.files[inner.file as usize];
            file.flow.calls_of(inner.id).map(move |site| ValueRef { file: inner.file, expr: site.expr })
        });
        calls.into_iter().any(|call| method_name(study, call) == Some(name.as_str()))
    };
    handling(study)
        .into_iter()
        .any(|(other, owner)| owner.id == library.id && study.summary(other).has(Summary::EXTRACTS) && hands_on(other))
}

/// The work that a handler does outside of its message's trace, where nothing else can be said of it.
fn loses(study: &Study<'_>, fact: Option<&CallFact<'_>>, handler: &Handler) -> Option<ValueRef> {
    if takes_over(study, handler.function)
        || relay::passes_on(study, handler.function)
        || names_key_below(study, handler.function)
        || is_handed_on(study, handler)
    {
        return None;
    }
    work_of(study, fact, handler)
}

fn judge(study: &Study<'_>, fact: &CallFact<'_>) -> Result<Ruling, Box<Finding>> {
    let over = is_over(study, fact);
    if study.unit(fact.call.file).coverage(fact.library).is_some() && !over {
        return Ok(Ruling::carried("what traces the service covers the library"));
    }
    let made = if over { Instance::Plain } else { instance(study, fact) };
    if made == Instance::Instrumented {
        return Ok(Ruling::carried("its consumer is instrumented"));
    }
    if waiting::is_for_replies(study, fact) {
        return Ok(Ruling::unknown("it waits, in a span of its own, for replies to what it has sent"));
    }
    let mut ruling = match made {
        Instance::Unknown => {
            Ruling::unknown("its consumer is not seen to be made, and the code instruments others of its kind")
        }
        _ => Ruling::unknown("no handler is seen to do work that belongs to the trace of a message"),
    };
    if let Some(because) = not_switched_on(study, fact) {
        return Ok(Ruling::unknown(because));
    }
    for handler in handlers(study, fact) {
        if handled(study, &handler).has(Summary::EXTRACTS) {
            ruling = Ruling::carried("its handler, or what is around it, extracts");
        } else if made != Instance::Unknown
            && let Some(work) = loses(study, Some(fact), &handler)
        {
            let confidence = match (made, handler.by) {
                (Instance::Plain, By::Receiving | By::Library) => Confidence::Certain,
                _ => Confidence::Likely,
            };
            return Err(Box::new(finding(study, Some(fact), fact.library, &handler, work, confidence)));
        }
    }
    Ok(ruling)
}

/// Whether the span of whatever may instrument a call is over when it returns.
fn is_over(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let families = &fact.effect.over_under;
    let unit = study.unit(fact.call.file);
    !families.is_empty()
        && unit.is_traced()
        && unit.families().iter().all(|family| families.iter().any(|one| one == family))
}

/// A function that handles messages.
#[derive(Debug, Clone, Copy)]
struct Handler {
    function: FuncRef,
    by: By,
}

/// How messages come to a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// It receives them itself.
    Receiving,
    /// The library calls it.
    Library,
    /// Another function puts what is in them into a value of an own type, and that into a channel.
    Relay,
}

fn handlers(study: &Study<'_>, fact: &CallFact<'_>) -> Vec<Handler> {
    if let Some(registers) = fact.effect.registers {
        let given = study.slot(fact.call, registers.handler);
        let functions = given.into_iter().flat_map(|value| functions_of(study, value));
        return functions.map(|function| Handler { function, by: By::Library }).collect();
    }
    let receiving = study.program.outermost(fact.function);
    let mut out = vec![Handler { function: receiving, by: By::Receiving }];
    for ty in relay::sent_types(study, receiving) {
        let takers = relay::takers(study, ty).into_iter().filter(|taker| *taker != receiving);
        out.extend(takers.map(|function| Handler { function, by: By::Relay }));
    }
    out
}

/// Whether the messages are only put into a channel or queue, and something in the unit extracts: that may be where
/// they come out.
fn is_handed_on(study: &Study<'_>, handler: &Handler) -> bool {
    let unit = study.unit_of(handler.function.file);
    handler.by == By::Receiving
        && relay::sends(study, handler.function)
        && study.calls().iter().any(|fact| fact.effect.extract.is_some() && study.unit_of(fact.call.file) == unit)
}

/// Whether a call of an own helper starts a span for its caller.
fn hands_out_span(study: &Study<'_>, call: ValueRef) -> bool {
    let is_span =
        |n| study.program.result_type(call, n, 8).and_then(|ty| study.program.role(ty)) == Some(TypeRole::Span);
    study.fact(call).is_none() && (is_span(0) || is_span(1))
}

/// What is done around a handler: by itself and below it, and beside it in the callers to which it hands the message
/// back, or whose function it gives the message to.
fn handled(study: &Study<'_>, handler: &Handler) -> Summary {
    let mut out = study.summary(handler.function) | of_handed(study, handler.function);
    if handler.by != By::Receiving {
        return out;
    }
    let mut level = vec![handler.function];
    let mut seen = FxHashSet::default();
    for _ in 0..CALLERS_UP {
        let mut next = Vec::new();
        for at in level {
            let back = hands_back(study, at);
            for call in study.program.callers(at) {
                let caller = study.program.outermost(study.program.function_at(*call));
                out |= given_functions(study, *call);
                if back && caller.id.0 != 0 && seen.insert(caller) {
                    out |= beside(study, caller);
                    next.push(caller);
                }
            }
        }
        level = next;
    }
    out
}

/// What the functions do that a handler runs through values: it may have been given them.
fn of_handed(study: &Study<'_>, function: FuncRef) -> Summary {
    let inner = study.with_nested(function).into_iter();
    let calls = inner.flat_map(|inner| {
        let sites = study.program.files.get(inner.file as usize).map(|file| file.flow.calls_of(inner.id));
        sites.into_iter().flatten().map(move |site| ValueRef { file: inner.file, expr: site.expr })
    });
    let handed = calls.flat_map(|call| study.run_through(call));
    handed.fold(Summary::default(), |out, function| out | study.summary(*function))
}

/// Whether a function has a result other than an error.
fn hands_back(study: &Study<'_>, function: FuncRef) -> bool {
    let decl = study.program.function(function);
    let Some(file) = study.program.files.get(function.file as usize) else { return true };
    match study.language() {
        Language::Python => {
            let returns = file.flow.returns_of(function.id).any(|found| !found.values.is_empty());
            let is_yield = |expr: &crate::ir::Expr| matches!(expr.kind, ExprKind::Yield(_));
            returns || file.source.facts.exprs.iter().any(|expr| is_yield(expr) && decl.span.contains(expr.span))
        }
        _ => decl.results.iter().any(|ty| !matches!(ty.name.as_str(), "error" | "void" | "boolean" | "bool")),
    }
}

/// What the functions do that a call gives away: the message may come to them.
fn given_functions(study: &Study<'_>, call: ValueRef) -> Summary {
    let given = study.slot(call, Slot::AnyArg).into_iter().flat_map(|value| functions_of(study, value));
    given.fold(Summary::default(), |out, function| out | study.summary(function))
}

/// What a caller does with what it gets: its own calls of libraries, and the own functions that it calls. A function
/// that only starts everything says nothing of one message.
fn beside(study: &Study<'_>, caller: FuncRef) -> Summary {
    if study.inbound(caller) == Inbound::Root && !hands_back(study, caller) {
        return direct(study, caller);
    }
    study.summary(caller)
}

/// What a function does itself, and the own functions that it calls do themselves.
fn direct(study: &Study<'_>, function: FuncRef) -> Summary {
    let mut out = Summary::default();
    for inner in study.with_nested(function) {
        let Some(file) = study.program.files.get(inner.file as usize) else { continue };
        for site in file.flow.calls_of(inner.id) {
            let call = ValueRef { file: inner.file, expr: site.expr };
            out |= study.own_effect(call);
            for callee in &study.program.callee(call).functions {
                let known = study.with_nested(*callee);
                let facts = known.iter().flat_map(|at| study.calls_in(*at));
                out |= facts.fold(Summary::default(), |out, fact| out | study.own_effect(fact.call));
            }
        }
    }
    out
}

/// Whether a function gives a span or context to another one, links to one, or instruments something: the message's may be
/// in it.
fn takes_over(study: &Study<'_>, function: FuncRef) -> bool {
    study.with_nested(function).into_iter().any(|inner| {
        study.calls_in(inner).any(|fact| {
            let traces = || fact.library.functions.iter().any(|effect| effect.span.is_some());
            (fact.effect.binds_context.is_some() && traces()) || fact.effect.instruments.is_some() || fact.effect.links
        })
    })
}

/// The first call under a handler that starts a span or carries a context on.
fn work_of(study: &Study<'_>, fact: Option<&CallFact<'_>>, handler: &Handler) -> Option<ValueRef> {
    let inner = study.with_nested(handler.function);
    let own = inner.iter().flat_map(|function| study.calls_in(*function));
    let mut starts: Vec<ValueRef> =
        own.filter(|work| is_work(study, work, fact, handler)).map(|fact| fact.call).collect();
    if starts.is_empty() {
        starts = below(study, &inner, fact, handler);
    }
    if starts.is_empty() {
        starts = relay::under_fresh_context(study, handler.function);
    }
    starts.sort_unstable();
    starts.first().copied()
}

/// Whether a library call is done for a message: any under a handler; in a function that receives it, a span in the
/// same loop, or what leaves after it.
fn is_work(study: &Study<'_>, work: &CallFact<'_>, fact: Option<&CallFact<'_>>, handler: &Handler) -> bool {
    let Some(fact) = fact.filter(|_| handler.by == By::Receiving) else {
        return work.effect.span.is_some() || leaves(study, work);
    };
    let start = |value: ValueRef| study.program.expr(value).span.start;
    if let Some(round) = loop_over(study, fact.call) {
        let inside = work.call.file == fact.call.file && round.contains(study.program.expr(work.call).span);
        return inside && start(work.call) > start(fact.call) && (work.effect.span.is_some() || leaves(study, work));
    }
    let together = fact.site.in_loop == 0 || work.site.in_loop != 0 || work.function != fact.function;
    let after = start(work.call) > start(fact.call);
    together && (work.effect.span.is_some() || (leaves(study, work) && after))
}

/// Whether a call leaves the process with a trace, or should. A message that goes out by a plain client, without a span
/// around it, shows in no trace whatever is read from the one that came in.
fn leaves(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    !reply::is_answer(study, fact)
        && fact.effect.hop.is_some_and(|hop| match hop.kind {
            HopKind::HttpCall | HopKind::RpcCall => true,
            HopKind::Produce => instance(study, fact) != Instance::Plain,
            _ => false,
        })
}

/// The calls of own functions that start a span further down, or (for a relayed message) work under a context; in a
/// function that receives messages only those that get something of them.
fn below(study: &Study<'_>, inner: &[FuncRef], fact: Option<&CallFact<'_>>, handler: &Handler) -> Vec<ValueRef> {
    let mut out = Vec::new();
    for function in inner {
        let Some(file) = study.program.files.get(function.file as usize) else { continue };
        for site in file.flow.calls_of(function.id) {
            let call = ValueRef { file: function.file, expr: site.expr };
            let handed = study.run_through(call);
            let own = !study.program.callee(call).functions.is_empty() || !handed.is_empty();
            let works = own
                && (study.effect_of(call).has(Summary::STARTS)
                    || handed.iter().any(|function| study.summary(*function).has(Summary::STARTS))
                    || handler.by == By::Relay && is_under_context(study, call));
            let of_message =
                || fact.is_some_and(|fact| relay::gets(study, call, fact.call)) || hands_out_span(study, call);
            if works && (handler.by != By::Receiving || of_message()) {
                out.push(call);
            }
        }
    }
    out
}

/// Whether a call does something outside the program under a context that it is given.
fn is_under_context(study: &Study<'_>, call: ValueRef) -> bool {
    let given = study.slot(call, Slot::AnyArg);
    given.into_iter().any(|value| study.program.role_of(value) == Some(TypeRole::Context))
}

fn names_key_below(study: &Study<'_>, handler: FuncRef) -> bool {
    let mut work = vec![(handler, 0)];
    let mut seen = FxHashSet::default();
    while let Some((function, depth)) = work.pop() {
        if !seen.insert(function) || depth > 3 || seen.len() > 80 {
            continue;
        }
        if names_key(study, function) {
            return true;
        }
        for inner in study.with_nested(function) {
            let Some(file) = study.program.files.get(inner.file as usize) else { continue };
            for site in file.flow.calls_of(inner.id) {
                let call = ValueRef { file: inner.file, expr: site.expr };
                let callee = study.program.callee(call);
                work.extend(callee.functions.iter().chain(study.run_through(call)).map(|next| (*next, depth + 1)));
            }
        }
    }
    false
}

fn finding(
    study: &Study<'_>,
    fact: Option<&CallFact<'_>>,
    library: &LibraryDescription,
    handler: &Handler,
    work: ValueRef,
    confidence: Confidence,
) -> Finding {
    let local = study.program.outermost(study.program.function_at(work)) == handler.function;
    let at = fact.filter(|_| handler.by == By::Receiving && local).map_or(work, |fact| fact.call);
    let receives = fact.map_or_else(|| library.title.clone(), |fact| format!("`{}`", study.callee_text(fact.call)));
    let works = study.callee_text(work);
    let name = study.function_name(study.program.outermost(study.program.function_at(at)));
    let mut found = study.finding("consume-without-extract", at, confidence);
    if handler.by == By::Relay {
        let span = study.program.function(handler.function).name_span;
        found.place = study.program.place_of(handler.function.file, span);
    }
    found.message = format!("nothing in `{name}` reads the trace from the message that {receives} hands out");
    found.label = "handled outside the message's trace".to_owned();
    found.effect = format!("`{works}` belongs to another trace than the one that sent the message");
    found.help = match study.unit(work.file).mend(library).as_ref() {
        "" => format!("extract the context from the message and give it to `{works}`"),
        mend => format!("extract the context from the message and give it to `{works}`; for {}: {mend}", library.title),
    };
    if confidence == Confidence::Likely {
        let assumed = match handler.by {
            By::Relay => "what it is given comes from there by a channel",
            _ => "the consumer, which is made elsewhere, is not instrumented",
        };
        found.help.push_str(&format!(" (assumed: {assumed})"));
    }
    found.confirm = format!("send a message with a known trace header: `{name}` is not in that trace");
    if handler.by == By::Relay || at != work {
        found.related.push(study.related(work, "work for the message starts here"));
    }
    if let Some(fact) = fact.filter(|fact| fact.call != at) {
        found.related.push(study.related(fact.call, "messages arrive here"));
    }
    found
}
