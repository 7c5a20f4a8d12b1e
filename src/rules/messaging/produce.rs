//! `produce-without-inject`: a message leaves without the trace.

use super::super::{Ruling, Verdicts};
use super::client::{Instance, Plugged, instance};
use super::hops::hop_calls;
use super::material::{Content, content, gives_identity, names_key};
use super::tasks::Tasks;
use super::{left_out, looped, managed, relay, reply, tasks};
use crate::facts::imports_maker;
use crate::finding::{Confidence, Finding, Related};
use crate::ir::{ExprKind, FileFacts, Language};
use crate::knowledge::{AnnotationRole, HopKind, LibraryDescription, Slot, TypeRole};
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::rules::clients::{can_be_inside, drops_copies, keeps_records};
use crate::study::{CallFact, Inbound, Study, Summary, described_annotation, runs_only_in_workers};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// How many callers up an injection still counts.
const CALLERS_UP: usize = 4;
/// How many callers lie between work that comes in and a message at most.
const MAX_WAY: usize = 32;

const RULE: &str = "produce-without-inject";
/// Why nothing is said where a package that is not seen sets tracing up.
const OUT_OF_SIGHT: &str = "what sets tracing up is not seen, and may cover the library";
/// Why hops of a unit are not judged.
pub(super) const UNTRACED: &str = "nothing traces the service";
/// Why a hop is left to the rules about what a framework makes.
pub(super) const MANAGED: &str = "its instance is the framework's, which is judged by its settings";
/// Why nothing can be said of a hop that seems to break.
pub(super) const PLUGGED: &str = "code that is not seen is plugged into the library";

/// Judges every call that sends a message.
pub(super) fn check<'a>(study: &Study<'a>, traced: &FxHashSet<usize>, plugged: &Plugged<'a>, out: &mut Verdicts) {
    let mut seen = FxHashSet::default();
    let mut tasks = Tasks::default();
    for fact in &hop_calls(study, &[HopKind::Produce]) {
        let unit = study.unit_of(fact.call.file);
        let judged = match traced.contains(&unit) {
            false => Err(UNTRACED),
            true if managed::judges(study, fact) => Err(MANAGED),
            true => judge(study, fact),
        };
        match judged {
            Err(because) => out.pass(fact.call, RULE, because),
            Ok(Ok(ruling)) => out.count(unit, fact.call, RULE, ruling),
            Ok(Err(_)) if plugged.has(study, fact.call.file, fact.library) => {
                out.count(unit, fact.call, RULE, Ruling::unknown(PLUGGED));
            }
            Ok(Err(mut found)) => {
                out.count(unit, fact.call, RULE, Ruling::broken("nothing puts the trace into the message"));
                if queues_tasks(fact.library) {
                    found.rule = "task-context";
                    tasks.add(study, unit, *fact, *found);
                } else if seen.insert(found.place) {
                    out.findings.push(*found);
                }
            }
        }
    }
    out.findings.extend(tasks.findings(study));
}

/// Whether a library queues the service's own functions, so that one set-up decides for all that is queued in the same way.
fn queues_tasks(library: &LibraryDescription) -> bool {
    library.annotations.iter().any(|annotation| annotation.role == AnnotationRole::Task)
}

/// Whether a function, or who calls it, has a span for what it does: then its team wants to see that in traces.
fn has_own_span(study: &Study<'_>, function: FuncRef) -> bool {
    let outer = study.program.outermost(function);
    let callers =
        study.program.callers(outer).iter().map(|call| study.program.outermost(study.program.function_at(*call)));
    let mut around = std::iter::once(outer).chain(callers);
    study.language() == Language::Go
        && around.any(|function| study.calls_in(function).any(|fact| fact.effect.span.is_some()))
}

/// A verdict, a finding, or why no trace needs to cross the hop.
fn judge(study: &Study<'_>, fact: &CallFact<'_>) -> Result<Result<Ruling, Box<Finding>>, &'static str> {
    let hop = fact.effect.hop.ok_or("it is no hop")?;
    if reply::is_answer(study, fact) {
        return Err("it answers a message, whose sender has the trace");
    }
    if looped::is_sent_by_loop(study, fact) {
        return Err("an endless loop sends it, under the context from before the loop");
    }
    let relayed = match study.inbound(fact.function) {
        Inbound::Root if !study.is_under_span(fact.function) => {
            Some(relayed(study, fact).ok_or("it runs only from start-up, jobs or the like")?)
        }
        _ => None,
    };
    if is_covered(study, fact) {
        return Ok(Ok(Ruling::carried("what traces the service covers the library")));
    }
    if keeps_records(study, fact.call) && !has_own_span(study, fact.function) {
        return Err("by its name it keeps records, which are no part of a request");
    }
    if drops_copies(study, fact.call) {
        return Err("by its name it has other instances drop what they keep, which is no work of the request");
    }
    let outer = study.program.outermost(fact.function);
    if study.summary(outer).has(Summary::INJECTS) || names_key(study, outer) {
        return Ok(Ok(Ruling::carried("its function, or one that it calls, injects or names a trace header")));
    }
    if relay::passes_on(study, outer) {
        return Ok(Ok(Ruling::carried("its message goes on with the headers of one that came in")));
    }
    let made = instance(study, fact);
    if made == Instance::Instrumented {
        return Ok(Ok(Ruling::carried("its producer is instrumented")));
    }
    if keeps_header(study, fact) {
        return Ok(Ok(Ruling::unknown("its requests may carry a header that the service keeps on the message")));
    }
    let carriers = carriers(study, fact, hop.carrier);
    let parts = match hop.carrier {
        Slot::AnyArg => &carriers[..],
        _ => &[],
    };
    let parts = [parts, &written(study, fact)].concat();
    match content(study, if hop.carrier == Slot::AnyArg { &[] } else { &carriers }, &parts) {
        Content::Traced => return Ok(Ok(Ruling::carried("the message holds something of the trace"))),
        Content::Unknown if is_left_to_workers(study, fact) => {}
        Content::Unknown => return Ok(Ok(Ruling::unknown("what is in the message is not wholly seen"))),
        Content::Bare => {}
    }
    if injects_unseen(study, fact) {
        return Ok(Ok(Ruling::unknown("by its name, a function that is not seen injects there")));
    }
    if may_inject(study, fact) {
        return Ok(Ok(Ruling::unknown(
            "what sends it may be of the service's own type, whose method of that name injects",
        )));
    }
    if let Some(because) = not_told(study, outer, made).or_else(|| not_switched_on(study, fact)) {
        return Ok(Ok(Ruling::unknown(because)));
    }
    if let Some(found) = left_out::judge(study, fact) {
        return Ok(Err(Box::new(found)));
    }
    // A Go context says of itself whether a trace is in it: of one that nobody is seen to give a trace, none is known.
    let is_empty = || study.language() == Language::Go && !can_be_inside(study, fact.function);
    let dark = || is_registered_with(study, fact) || is_empty();
    let Some(trace) = relayed.or_else(|| trace_at_hand(study, fact.function).filter(|_| !dark())) else {
        return Ok(Ok(Ruling::unknown("no trace is known to be there where the message leaves")));
    };
    let sure = made == Instance::Plain && study.inbound(fact.function) != Inbound::Root;
    let confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    let mut found = finding(study, fact, &carriers, trace, confidence);
    tell_of_workers(study, fact, &mut found);
    Ok(Err(Box::new(found)))
}

/// Whether the service that a library asks keeps a header on the message which the requests of the unit may have: by what
/// writes headers on them, and a propagator of the header's format.
fn keeps_header(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let Some(kept) = &fact.library.keeps_header else { return false };
    let unit = study.unit_of(fact.call.file);
    let files = || study.program.files.iter().filter(|file| file.source.unit == unit).map(|file| &file.source.facts);
    let writes = |facts: &FileFacts| facts.imports.iter().any(|import| kept.by.iter().any(|by| import.target == *by));
    files().any(writes) && files().any(|facts| imports_maker(facts, |format| format == kept.format))
}

/// Whether what traces the service covers the library where a message is sent. What only workers switch on is missing in
/// the traced processes that queue their tasks.
fn is_covered(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let unit = study.unit(fact.call.file);
    unit.coverage(fact.library).is_some_and(|found| {
        let only_in_workers = found.in_workers && unit.coverage_outside_workers(fact.library).is_none();
        !only_in_workers
            || !is_instrumented_outside_workers(study, fact)
            || !tasks::is_reached_outside_workers(study, fact.function)
    })
}

/// Whether a unit leaves it to the library's instrumentation to carry the trace, in workers alone: nothing in it injects by
/// hand, so what it sends holds no trace, whatever it is.
fn is_left_to_workers(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let unit = study.unit_of(fact.call.file);
    let injects = || study.calls_of_unit(unit).any(|other| other.effect.inject.is_some());
    study.unit(fact.call.file).coverage(fact.library).is_some_and(|found| found.in_workers)
        && !study.of_unit("injects by hand", unit, injects)
}

/// Says so where the library is instrumented, but in workers alone.
fn tell_of_workers(study: &Study<'_>, fact: &CallFact<'_>, found: &mut Finding) {
    let Some(covered) = study.unit(fact.call.file).coverage(fact.library).filter(|covered| covered.in_workers) else {
        return;
    };
    let title = &fact.library.title;
    found.message =
        format!("`{}` sends without a trace: {title} is instrumented in workers alone", study.callee_text(fact.call));
    if let Some((path, line)) = &covered.at {
        found.effect = format!("{}; {path}:{line} runs when a worker starts, not where tasks are queued", found.effect);
    }
}

/// Whether something else is instrumented in the processes of a unit that queue tasks.
fn is_instrumented_outside_workers(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let unit = study.unit_of(fact.call.file);
    let instruments = |other: &&CallFact<'_>| {
        (other.effect.instruments.is_some() || !other.effect.switches_on.is_empty())
            && study.unit_of(other.call.file) == unit
            && !runs_only_in_workers(study.program, other.function)
    };
    study.calls().iter().any(|other| instruments(&other))
}

/// Why a service may not be traced at all, or by something that is not seen and may cover the library: a stack that it
/// only depends on, and no span of its own.
pub(super) fn not_switched_on(study: &Study<'_>, fact: &CallFact<'_>) -> Option<&'static str> {
    if study.unit(fact.call.file).set_up_within_task {
        return Some("tracing is set up only in the body of a task");
    }
    if study.unit(fact.call.file).is_set_up_out_of_sight() {
        return Some(OUT_OF_SIGHT);
    }
    let stacks = &study.unit(fact.call.file).stacks;
    let unit = study.unit_of(fact.call.file);
    let spans =
        || study.calls().iter().any(|found| found.effect.span.is_some() && study.unit_of(found.call.file) == unit);
    // A Java library that starts spans with what its user gives it is instrumented by what the user runs.
    let is_library = stacks.is_empty() && study.language() == Language::Java;
    if is_library {
        return Some("nothing is seen to trace the service, which leaves it to whoever uses the library");
    }
    let only_there = !stacks.is_empty() && !stacks.iter().any(|found| found.active);
    (only_there && !spans()).then_some("nothing is seen to switch tracing on in the service")
}

/// Why a message in which no trace is seen may carry one all the same.
fn not_told(study: &Study<'_>, outer: FuncRef, made: Instance) -> Option<&'static str> {
    if made == Instance::Unknown {
        return Some("its producer is not seen to be made, and the code instruments others of its kind");
    }
    if injects_above(study, outer) {
        return Some("a caller injects, so the message may hold what it wrote");
    }
    let callers = study.program.callers(outer).iter();
    let mut around = callers.map(|call| study.program.outermost(study.program.function_at(*call)));
    (gives_identity(study, outer) || around.any(|caller| gives_identity(study, caller)))
        .then_some("the message gets ids of the application's own")
}

/// Whether the function of a call runs one of a library that is neither described nor in the tree, which injects by its name:
/// `amqptracer.Inject(span, message.Headers)`.
fn injects_unseen(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(fact.call.file as usize) else { return false };
    let mut calls = file.flow.calls_of(fact.function.id).map(|site| ValueRef { expr: site.expr, ..fact.call });
    calls.any(|call| {
        let is_unseen = || study.fact(call).is_none() && program.callee(call).functions.is_empty();
        let name = study.callee_text(call).to_lowercase();
        name.rsplit('.').next().is_some_and(|last| last.starts_with("inject")) && is_unseen()
    })
}

/// Whether a value that the receiver of a call may be is of the service's own type, whose method of the same name injects:
/// where two types are possible, the library's is declared as well.
fn may_inject(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    let ExprKind::Call { callee, .. } = program.expr_kind(fact.call) else { return false };
    let ExprKind::Member { base, name, .. } = program.expr_kind(ValueRef { expr: *callee, ..fact.call }) else {
        return false;
    };
    let injects = |owner: Ustr| {
        let methods = program.methods(owner, *name);
        methods.into_iter().any(|method| study.summary(method).has(Summary::INJECTS))
    };
    let made = program.origins(ValueRef { expr: *base, ..fact.call }, true);
    made.into_iter().any(|origin| match origin {
        Origin::Call(made, _) => {
            program.callee(made).constructs.is_some_and(|owner| program.own_type(owner).is_some() && injects(owner))
        }
        _ => false,
    })
}

/// Where the trace was, for a message that comes to the sending loop in a value of an own type: where that was made.
fn relayed(study: &Study<'_>, fact: &CallFact<'_>) -> Option<(Related, String)> {
    let ty = relay::received_type(study, &carriers(study, fact, fact.effect.hop?.carrier))?;
    let (made, function) = relay::made_under_context(study, ty)?;
    let bare = !study.summary(function).has(Summary::INJECTS) && content(study, &[made], &[]) == Content::Bare;
    let param = study.context_param(function).filter(|_| bare)?;
    let short = ty.rsplit_once('.').map_or(ty.as_str(), |(_, name)| name);
    let message = format!("`{short}` is made here, without the trace in `{}`", param.name);
    let place = study.program.place(made);
    Some((Related { place, message }, format!(": `{short}` does not bring it here")))
}

/// The values that make up the message.
fn carriers(study: &Study<'_>, fact: &CallFact<'_>, slot: Slot) -> Vec<ValueRef> {
    if matches!(slot, Slot::Result(_)) {
        return sent_into(study, fact);
    }
    // A method of the service's own interface has parameters in an order of its own.
    let is_message = |value: &ValueRef| study.program.role_of(*value) == Some(TypeRole::Message);
    let is_own = study.fact(fact.call).is_none();
    let messages = is_own.then(|| study.slot(fact.call, Slot::AnyArg).into_iter().filter(is_message).collect());
    messages.filter(|found: &Vec<ValueRef>| !found.is_empty()).unwrap_or_else(|| study.slot(fact.call, slot))
}

/// What is written into messages and headers in the function that sends one.
fn written(study: &Study<'_>, fact: &CallFact<'_>) -> Vec<ValueRef> {
    let program = study.program;
    let mut out = Vec::new();
    let Some(file) = program.files.get(fact.call.file as usize) else { return out };
    let inside: FxHashSet<_> = study.with_nested(program.outermost(fact.function)).into_iter().map(|f| f.id).collect();
    for write in file.flow.writes.iter().filter(|write| inside.contains(&write.function)) {
        let target = ValueRef { file: fact.call.file, expr: write.target };
        let base = match program.expr_kind(target) {
            ExprKind::Member { base, .. } | ExprKind::Index { base, .. } => ValueRef { expr: *base, ..target },
            _ => continue,
        };
        if matches!(program.role_of(base), Some(TypeRole::Message | TypeRole::Carrier)) {
            out.push(ValueRef { file: fact.call.file, expr: write.value });
        }
    }
    out
}

/// What is sent into the channel that a call hands out.
pub(crate) fn sent_into(study: &Study<'_>, fact: &CallFact<'_>) -> Vec<ValueRef> {
    let sends = relay::sent(study, study.program.outermost(fact.function)).into_iter();
    let is_into = |channel: ValueRef| {
        channel == fact.call || study.program.origins(channel, false).contains(&Origin::Call(fact.call, 0))
    };
    sends.filter(|(channel, _)| is_into(*channel)).map(|(_, value)| value).collect()
}

/// Where a trace is known to be when the message leaves.
pub(super) fn trace_at_hand(study: &Study<'_>, function: FuncRef) -> Option<(Related, String)> {
    let program = study.program;
    let is_dark = !takes_traces(study, function);
    if let Some(param) = study.context_param(function).filter(|param| !(param.is_request && is_dark)) {
        let message = format!("the trace arrives in `{}`", param.name);
        return Some((Related { place: param.place, message }, format!(" of `{}`", param.name)));
    }
    let mut around = vec![function];
    let outer = program.outermost(function);
    if outer != function {
        around.push(outer);
    }
    for at in around {
        if let Some(start) = study.calls_in(at).find(|fact| fact.effect.span.is_some()) {
            return Some((study.related(start.call, "a span is started here"), String::new()));
        }
    }
    if is_dark || runs_untraced_task(study, function) {
        return None;
    }
    match study.inbound(function) {
        Inbound::Entry(place) => Some((Related { place, message: "the trace arrives here".to_owned() }, String::new())),
        Inbound::Below(entry) => {
            let place = program.place_of(entry.file, program.function(entry).name_span);
            let message = format!("`{}` runs for an inbound trace", study.function_name(entry));
            Some((Related { place, message }, String::new()))
        }
        Inbound::Root if !study.is_under_span(function) => None,
        _ => trace_of_callers(study, outer),
    }
}

/// Whether something can make the trace of a request current in a Python function: where no stack traces its unit, only the
/// spans on the way to it can, and a span that is started for something else of the unit's is none of them.
fn takes_traces(study: &Study<'_>, function: FuncRef) -> bool {
    let unit = study.unit(function.file);
    study.language() != Language::Python
        || unit.is_traced()
        || unit.own_instrumentor
        || study.is_under_span(function)
        || study.calls_of_unit(study.unit_of(function.file)).any(|fact| fact.effect.extract.is_some())
}

/// Whether the work in which a message is sent came in by a handler of the very library that sends it: as nothing covers
/// that, no trace came in either, and where the service starts or reads one, that is seen in its code.
fn is_registered_with(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let mut inbound = study.inbound(fact.function);
    for _ in 0..MAX_WAY {
        let Inbound::Below(caller) = inbound else { break };
        inbound = study.inbound(caller);
    }
    let Inbound::Entry(entry) = inbound else { return false };
    let unit = study.unit_of(fact.call.file);
    let mut calls = study.calls_of_unit(unit);
    let registers = |found: &CallFact<'_>| {
        found.effect.registers.is_some()
            && found.library.id == fact.library.id
            && study.program.place(found.call) == entry
    };
    study.language() == Language::Java
        && study.calls_of_unit(unit).any(registers)
        && !calls.any(|found| found.effect.extract.is_some() || found.effect.span.is_some())
}

/// Whether a function runs as, or below, a task of a library that nothing instruments in its unit: no trace came in with it.
pub(super) fn runs_untraced_task(study: &Study<'_>, function: FuncRef) -> bool {
    let mut entry = study.program.outermost(function);
    for _ in 0..MAX_WAY {
        match study.inbound(entry) {
            Inbound::Below(caller) => entry = caller,
            Inbound::Entry(_) => break,
            _ => return false,
        }
    }
    let annotations = &study.program.function(entry).annotations;
    annotations.iter().filter_map(|found| described_annotation(study, entry.file, found)).any(|(library, found)| {
        found.role == AnnotationRole::Task && study.unit(entry.file).coverage(library).is_none()
    })
}

/// The trace that every caller of a function is given and does not hand down.
fn trace_of_callers(study: &Study<'_>, function: FuncRef) -> Option<(Related, String)> {
    let program = study.program;
    let callers = program.callers(function).iter().map(|call| program.function_at(*call));
    let params: Vec<_> = callers.map(|caller| study.context_param(caller)).collect::<Option<_>>()?;
    let param = params.first()?;
    let caller = study.function_name(param.function);
    let message = format!("the trace arrives in `{}` of `{caller}`, which calls this function", param.name);
    Some((Related { place: param.place, message }, format!(" of `{}` in `{caller}`", param.name)))
}

/// Whether a caller injects: the payload may carry what it wrote.
fn injects_above(study: &Study<'_>, function: FuncRef) -> bool {
    let mut level = vec![function];
    let mut seen = FxHashSet::default();
    for _ in 0..CALLERS_UP {
        let mut next = Vec::new();
        for at in level {
            for call in study.program.callers(at) {
                let caller = study.program.outermost(study.program.function_at(*call));
                if !seen.insert(caller) {
                    continue;
                }
                let own = study
                    .with_nested(caller)
                    .into_iter()
                    .any(|inner| study.calls_in(inner).any(|fact| fact.effect.inject.is_some()));
                if own {
                    return true;
                }
                next.push(caller);
            }
        }
        level = next;
    }
    false
}

fn finding(
    study: &Study<'_>,
    fact: &CallFact<'_>,
    carriers: &[ValueRef],
    (trace, whose): (Related, String),
    confidence: Confidence,
) -> Finding {
    let sends = study.callee_text(fact.call);
    let place = construction(study, fact, carriers);
    let mut found = study.finding("produce-without-inject", place.unwrap_or(fact.call), confidence);
    found.message = format!("`{sends}` sends the message without the trace{whose}");
    found.label = if place.is_some() { "no trace context in it" } else { "sent without the trace" }.to_owned();
    found.effect = "whoever handles the message starts a new trace".to_owned();
    found.help = match study.mend(fact).as_ref() {
        "" => format!("for {}: inject the context into its headers", fact.library.title),
        mend => format!("for {}: {mend}", fact.library.title),
    };
    if confidence == Confidence::Likely {
        let client = study.slot(fact.call, fact.effect.hop.map_or(Slot::None, |hop| hop.client));
        let client = client.first().map_or_else(|| sends.clone(), |value| study.text(*value));
        found.help.push_str(&format!(" (assumed: `{client}`, which is made elsewhere, is not instrumented)"));
    }
    found.confirm = "print the headers of one message at the consumer: there is no trace header".to_owned();
    found.related.push(trace);
    if place.is_some() {
        found.related.push(study.related(fact.call, "the message leaves here"));
    }
    found
}

/// The one place in the function where the message is made, if that is apart from the call that sends it.
fn construction(study: &Study<'_>, fact: &CallFact<'_>, carriers: &[ValueRef]) -> Option<ValueRef> {
    let program = study.program;
    let mut value = *carriers.first()?;
    for _ in 0..4 {
        match program.step(value) {
            Step::Values(values) => match values.as_slice() {
                [only] if *only != value => value = *only,
                _ => return None,
            },
            Step::Literal(made) | Step::Call(made, 0) => {
                let local = program.outermost(program.function_at(made)) == program.outermost(fact.function);
                let apart = !program.expr(fact.call).span.contains(program.expr(made).span);
                let is_message = program.role_of(made) == Some(TypeRole::Message);
                return Some(made).filter(|_| local && apart && is_message && made.file == fact.call.file);
            }
            _ => return None,
        }
    }
    None
}
