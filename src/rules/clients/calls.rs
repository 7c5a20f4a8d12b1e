//! uninstrumented-http-client, uninstrumented-rpc-client.

use super::super::{Ruling, Verdict, Verdicts};
use super::life::{Life, Lives, is_registration};
use super::{beans, body, brought, choice, fallback, forgotten, gate, house, stored};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language, Spread};
use crate::knowledge::{HopKind, LibraryDescription, Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::messaging::{is_traced_by_hand, sets_identity};
use crate::study::{CallFact, Inbound, Study, Summary, functions_of};
use std::collections::BTreeMap;

/// Most uses that a finding lists.
const MAX_RELATED: usize = 8;

/// Most calls of one generated stub's method that are looked at.
const MAX_STUB_CALLS: usize = 64;

/// How an outbound call stands, and the places of the causes where it breaks the trace.
struct Judged {
    ruling: Ruling,
    at: Vec<ValueRef>,
}

impl Judged {
    fn carried(because: &'static str) -> Self {
        Self { ruling: Ruling::carried(because), at: Vec::new() }
    }

    fn unknown(because: &'static str) -> Self {
        Self { ruling: Ruling::unknown(because), at: Vec::new() }
    }

    fn broken(because: &'static str, at: Vec<ValueRef>) -> Self {
        Self { ruling: Ruling::broken(because), at }
    }
}

/// A client that breaks the trace, and the calls through it.
struct Broken {
    kind: HopKind,
    uses: Vec<ValueRef>,
}

/// Judges every outbound call.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    let mut broken: BTreeMap<ValueRef, Broken> = BTreeMap::new();
    let mut by_body: Vec<ValueRef> = Vec::new();
    let plain = beans::plain(lives);
    for fact in study.calls() {
        let Some(hop) = fact.effect.hop.filter(|hop| matches!(hop.kind, HopKind::HttpCall | HopKind::RpcCall)) else {
            continue;
        };
        let unit = study.program.files.get(fact.call.file as usize).map_or(0, |file| file.source.unit);
        let rule = rule_of(hop.kind);
        let judged = match plain.get(&fact.call) {
            Some(made) => Judged::broken("the container's function that makes its client makes it plain", vec![*made]),
            None => judge(lives, fact, hop.client, hop.carrier),
        };
        out.count(unit, fact.call, rule, judged.ruling);
        if judged.ruling.verdict == Verdict::Broken && is_traced_by_hand(study, fact) {
            out.pass(fact.call, rule, "its headers are made by hand in a place that another rule judges");
            continue;
        }
        if judged.ruling.verdict == Verdict::Broken && body::brings_trace(study, fact, hop.carrier) {
            out.pass(fact.call, rule, "a propagator writes the trace into something that the request brings along");
            by_body.extend(judged.at);
            continue;
        }
        for place in judged.at {
            let uses = sites(study, fact.call).into_iter().filter(|call| study.can_meet(place.file, call.file));
            let uses: Vec<ValueRef> = uses.filter(|call| *call == fact.call || is_in_trace(study, *call)).collect();
            if !uses.is_empty() {
                let entry = broken.entry(place).or_insert_with(|| Broken { kind: hop.kind, uses: Vec::new() });
                entry.uses.extend(uses);
            }
        }
    }
    // What goes through the same client without a body ends a conversation or asks how it stands.
    broken.retain(|at, _| !by_body.contains(at));
    channels(lives, &mut broken);
    broken.retain(|at, _| !gate::is_aside(&study.program.place(*at).path) && !fallback::is_never_needed(study, *at));
    broken.retain(|at, _| !choice::is_made_where_off(lives, *at));
    broken.retain(|at, found| found.kind != HopKind::RpcCall || is_meant_to_be_traced(lives, *at, found));
    let forgotten = forgotten::clients(lives);
    for client in &forgotten {
        broken.entry(client.made).or_insert_with(|| Broken { kind: HopKind::HttpCall, uses: Vec::new() });
    }
    let broken = by_switch(study, broken);
    for (at, found) in &broken {
        let mut finding = finding(study, *at, found);
        if let Some(client) = forgotten.iter().find(|client| client.made == *at && found.uses.is_empty()) {
            finding.confidence = Confidence::Likely;
            finding.related.push(study.related(client.sibling, "others are instrumented one by one"));
        }
        out.findings.push(finding);
    }
}

/// The verdict on one call, and the places of its causes. What covers some clients of a library covers those that are
/// not seen to be others.
fn judge(lives: &Lives<'_, '_>, fact: &CallFact<'_>, client: Slot, carrier: Slot) -> Judged {
    let found = judge_made(lives, fact, client, carrier);
    let is_covered = lives.study.unit(fact.call.file).coverage(fact.library).is_some();
    if found.ruling.verdict == Verdict::Unknown && is_covered {
        return Judged::carried(
            "what traces the service covers clients of this library, and this is not seen to be another",
        );
    }
    found
}

/// Whether the client of a call is seen to be plain, and nothing near the call injects.
pub(in crate::rules) fn is_broken(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    let Some(hop) = fact.effect.hop else { return false };
    judge(lives, fact, hop.client, hop.carrier).ruling.verdict == Verdict::Broken
}

/// The verdict on one call, by how its client was made.
fn judge_made(lives: &Lives<'_, '_>, fact: &CallFact<'_>, client: Slot, carrier: Slot) -> Judged {
    let study = lives.study;
    let unit = study.unit(fact.call.file);
    if unit.covers_every_client(fact.library) {
        return Judged::carried("what traces the service covers every client of this library");
    }
    if injects_near(lives, fact, carrier) {
        return Judged::carried(
            "its function, a helper of it, or a caller that makes its request works on trace headers",
        );
    }
    // Who calls a stub's method may not be seen: that its channel is traced can be told all the same.
    let reports = reports_here(study, fact);
    if let Some(because) = not_asked(lives, fact, reports) {
        return Judged::unknown(because);
    }
    if sets_identity(study, fact.function) {
        return Judged::unknown("a header is set by hand to what identifies a span");
    }
    match client {
        Slot::None | Slot::Ambient | Slot::Global(_) if !reports => return Judged::unknown(OUTSIDE),
        Slot::None | Slot::Ambient => {
            return Judged::broken(
                "a call without a client of its own has nothing that instruments it",
                vec![fact.call],
            );
        }
        Slot::Global(name) => return judge_global(lives, fact.call, name),
        _ if hands_on(lives, fact) => {
            return Judged::unknown("it hands a request on inside a link of a client's chain");
        }
        _ if !fact.library.through.is_empty() => {
            let is_plain = reports && is_made_plain(lives, fact, client);
            return match is_plain {
                true => Judged::broken("the client that the library makes out of sight is plain", vec![fact.call]),
                false => Judged::unknown("the client that the library makes out of sight may be instrumented"),
            };
        }
        _ => {}
    }
    let values = study.slot(fact.call, client);
    let Some(value) = values.first() else { return Judged::unknown("no client is seen at the call") };
    let found = judge_client(lives, fact.call, *value);
    if !reports && found.ruling.verdict == Verdict::Broken { Judged::unknown(OUTSIDE) } else { found }
}

/// Why a call that cannot be in a request's trace is not judged further.
const OUTSIDE: &str = "the call is not known to run inside a request's trace";

/// Why nothing is asked about the client of a call.
fn not_asked(lives: &Lives<'_, '_>, fact: &CallFact<'_>, reports: bool) -> Option<&'static str> {
    let study = lives.study;
    if let Some(because) = gate::not_by_code(study.unit(fact.call.file)) {
        return Some(because);
    }
    if !lives.joins_traces(fact.call.file) {
        return Some("nothing in the service reads a trace that comes in, nor starts spans");
    }
    if reports || sites(study, fact.call).is_empty() {
        return None;
    }
    Some(outside(study, fact.call).unwrap_or(OUTSIDE))
}

/// Whether the client that a library makes out of sight is plain: no function that makes it is given, or one that is
/// seen to make a plain one.
fn is_made_plain(lives: &Lives<'_, '_>, fact: &CallFact<'_>, maker: Slot) -> bool {
    let study = lives.study;
    let ExprKind::Call { args, .. } = study.program.expr_kind(fact.call) else { return false };
    // `**settings` may hold a function that makes it.
    let is_seen = args.iter().all(|arg| arg.spread == Spread::None);
    is_seen
        && study.slot(fact.call, maker).into_iter().all(|value| {
            let makers = functions_of(study, value);
            !makers.is_empty() && makers.iter().all(|maker| makes_plain(lives, *maker))
        })
}

/// Whether all that a function makes are clients with nothing in them that could trace.
fn makes_plain(lives: &Lives<'_, '_>, maker: FuncRef) -> bool {
    let mut made =
        lives.study.calls_in(maker).filter(|fact| fact.effect.makes == Some(TypeRole::HttpClient)).peekable();
    made.peek().is_some() && made.all(|fact| lives.as_built(fact.call) == Life::Plain) && !lives.works_on_traces(maker)
}

/// The verdict on a call through a client that the whole process shares.
fn judge_global(lives: &Lives<'_, '_>, call: ValueRef, name: ustr::Ustr) -> Judged {
    match lives.global(name) {
        Life::Plain => Judged::broken("nothing instruments the client that the whole process shares", vec![call]),
        Life::Instrumented => Judged::carried("the client that the whole process shares is instrumented"),
        Life::Unknown => Judged::unknown("what is put into the client that the whole process shares is not seen"),
    }
}

/// Whether a call only hands a request on inside a link of a client's chain (a `RoundTrip` within a `RoundTrip`): what
/// is around the link may trace it.
fn hands_on(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    let program = lives.study.program;
    let Some(method) = program.callee(fact.call).name.and_then(|name| name.rsplit('.').next().map(str::to_owned))
    else {
        return false;
    };
    let decl = program.function(fact.function);
    if !decl.flags.is_closure {
        // A handler is often named after the remote method that it asks (`*Stub.*`): only a method that the library
        // itself names is a link of its chain.
        let is_named = |name: &ustr::Ustr| name.rsplit('.').next() == Some(method.as_str());
        return decl.name == method
            && fact.effect.names.iter().any(is_named)
            && may_be_link(lives.study, fact.function);
    }
    let file = &program.files[fact.function.file as usize];
    let Some(made) = file.flow.closures.get(&fact.function.id) else { return true };
    let made = ValueRef { file: fact.function.file, expr: *made };
    let is_link = program.parent(made).and_then(|parent| program.callee(parent).constructs).is_some();
    is_link && lives.later(made).life.is_some_and(|life| life != Life::Plain)
}

/// Whether a method may be a link of a library's chain: Go types say nothing of what they implement, others say so.
fn may_be_link(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    if study.language() == Language::Go {
        return true;
    }
    let owner = program.enclosing_type(function).map(|owner| program.type_name(owner));
    owner.is_some_and(|owner| program.supertypes(owner).iter().any(|ty| program.knowledge.ty(*ty).is_some()))
}

fn judge_client(lives: &Lives<'_, '_>, call: ValueRef, client: ValueRef) -> Judged {
    let study = lives.study;
    let mut causes = Vec::new();
    let mut life = Life::Plain;
    let mut because = "where the client is made is not seen";
    for origin in study.program.origins(client, true) {
        match origin {
            Origin::Call(made, _) | Origin::Literal(made) if is_construction(study, made) => {
                if covered(study, made) {
                    return Judged::carried("what traces the service that makes the client covers its library");
                }
                match lives.of_construction(made) {
                    Life::Plain if gate::goes_to_third_party(study, made) => {
                        life = Life::Unknown;
                        because = "the client is made for a stranger's service";
                    }
                    Life::Plain => causes.push(made),
                    other => {
                        life = other;
                        because = "what the client is made of, or what becomes of it, is not wholly seen";
                    }
                }
            }
            Origin::Field(owner, name) if lives.named(owner, name) == Life::Plain => causes.push(call),
            Origin::Literal(nil) if matches!(study.program.expr_kind(nil), crate::ir::ExprKind::Lit(_)) => {}
            _ => life = Life::Unknown,
        }
    }
    match life {
        Life::Plain if !causes.is_empty() => Judged::broken("its client is made plain and stays so", causes),
        Life::Instrumented if causes.is_empty() => Judged::carried("its client is instrumented"),
        Life::Instrumented => Judged::unknown("one of the clients that it may use is instrumented, another is not"),
        _ => Judged::unknown(because),
    }
}

fn is_construction(study: &Study<'_>, call: ValueRef) -> bool {
    let role = study.fact(call).and_then(|fact| fact.effect.makes);
    matches!(role, Some(TypeRole::HttpClient | TypeRole::RpcChannel))
}

fn covered(study: &Study<'_>, call: ValueRef) -> bool {
    study.fact(call).is_some_and(|fact| study.unit(call.file).covers_every_client(fact.library))
}

pub(super) fn reports_here(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    sites(study, fact.call).into_iter().any(|call| is_in_trace(study, call))
}

/// Whether a call can be part of a request's trace.
fn is_in_trace(study: &Study<'_>, call: ValueRef) -> bool {
    outside(study, call).is_none()
}

/// Why a call is no part of a request's trace.
fn outside(study: &Study<'_>, call: ValueRef) -> Option<&'static str> {
    let function = study.program.function_at(call);
    if !gate::can_be_inside(study, function) {
        return Some(OUTSIDE);
    }
    if study.is_out_of_traces(study.program.place(call).path) {
        return Some("its file is part of no program that is traced");
    }
    if gate::is_apart(study, function, call) {
        return Some("by its name it is about exporters, health checks, start-up or an example");
    }
    if study.is_for_operator(call.file) {
        return Some("its file declares commands of a command line");
    }
    if gate::goes_to_third_party(study, call) {
        return Some("by its name or address it goes to a stranger's service");
    }
    if brought::goes_where_told(study, call) {
        return Some("its address comes with the request, from whoever sent that");
    }
    stored::goes_where_data_says(study, call).then_some("its address lies in the data that the service works on")
}

/// Where the service itself makes a call: one in a generated stub is made by whoever calls the stub's method.
fn sites(study: &Study<'_>, call: ValueRef) -> Vec<ValueRef> {
    let program = study.program;
    if !is_generated(study, call) || study.language() != crate::ir::Language::Go {
        return vec![call];
    }
    let stub = program.outermost(program.function_at(call));
    // A generated server calls methods of the same names, without options; a generated gateway calls the stub with some.
    let gives_options = |call: ValueRef| study.slot(call, Slot::AnyArg).len() > 2;
    let is_caller = |call: &ValueRef| !is_generated(study, *call) || (call.file != stub.file && gives_options(*call));
    let callers = program.callers(stub).iter().copied().filter(is_caller);
    callers.take(MAX_STUB_CALLS).collect()
}

fn is_generated(study: &Study<'_>, call: ValueRef) -> bool {
    study.program.files.get(call.file as usize).is_some_and(|file| file.source.facts.generated)
}

/// Whether the very client of a call is instrumented, whatever the others of its library are.
pub(in crate::rules) fn is_traced_client(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    let Some(hop) = fact.effect.hop else { return false };
    match hop.client {
        Slot::Global(name) => lives.global(name) == Life::Instrumented,
        slot => lives.study.slot(fact.call, slot).first().is_some_and(|client| {
            let origins = lives.study.program.origins(*client, true);
            let traced = |origin: &Origin| match origin {
                Origin::Call(made, _) | Origin::Literal(made) => {
                    is_construction(lives.study, *made) && lives.of_construction(*made) == Life::Instrumented
                }
                _ => false,
            };
            !origins.is_empty() && origins.iter().all(traced)
        }),
    }
}

/// Whether something near a call injects: its function, a helper that it calls, or a caller that hands it its request.
pub(super) fn injects_near(lives: &Lives<'_, '_>, fact: &CallFact<'_>, carrier: Slot) -> bool {
    let program = lives.study.program;
    let mut work = vec![program.outermost(fact.function)];
    let takes = takes_carrier(lives, fact, carrier);
    for level in 0..if takes { 3 } else { 1 } {
        // What starts everything instruments other things, and reaches all that injects.
        let counts = |function: &&FuncRef| level == 0 || lives.study.inbound(**function) != Inbound::Root;
        if work.iter().filter(counts).any(|function| lives.works_on_traces(*function)) {
            return true;
        }
        work = work
            .iter()
            .flat_map(|function| {
                program.callers(*function).iter().map(|call| program.outermost(program.function_at(*call)))
            })
            .take(64)
            .collect();
    }
    false
}

/// Whether the request or its headers come into the function from outside.
fn takes_carrier(lives: &Lives<'_, '_>, fact: &CallFact<'_>, carrier: Slot) -> bool {
    if carrier == Slot::None {
        return false;
    }
    let program = lives.study.program;
    let outer = program.outermost(fact.function);
    if program.function(outer).params.is_empty() {
        return false;
    }
    let carriers = lives.study.slot(fact.call, carrier);
    let own = |origin: &Origin| matches!(origin, Origin::Param(function, _) if *function != outer);
    !carriers.iter().all(|value| program.origins(*value, false).iter().all(own))
}

/// Channels whose calls go through stubs that are not seen: judged where they are made.
fn channels(lives: &Lives<'_, '_>, broken: &mut BTreeMap<ValueRef, Broken>) {
    let study = lives.study;
    for fact in study.calls().iter().filter(|fact| fact.effect.makes == Some(TypeRole::RpcChannel)) {
        let unit = study.unit(fact.call.file);
        let skip = broken.contains_key(&fact.call)
            || !gate::is_traced_by_code(unit)
            || unit.coverage(fact.library).is_some()
            || gate::is_apart(study, fact.function, fact.call)
            || lives.of_construction(fact.call) != Life::Plain;
        if skip {
            continue;
        }
        let later = lives.later(fact.call);
        // A generated gateway asks through a channel that it is given.
        let is_given = later.given.iter().any(|call| is_registration(&study.callee_text(*call)));
        let uses = later.uses.into_iter().flat_map(|call| sites(study, call));
        let uses = uses.filter(|call| is_given || !is_generated(study, *call));
        let uses = uses.filter(|call| study.can_meet(fact.call.file, call.file));
        let uses: Vec<ValueRef> = uses.filter(|call| gate_use(study, *call) && has_context(study, *call)).collect();
        if !uses.is_empty() {
            broken.insert(fact.call, Broken { kind: HopKind::RpcCall, uses });
        }
    }
}

/// Whether a call is known to run for inbound work that may bring a trace.
fn is_in_request(study: &Study<'_>, call: ValueRef) -> bool {
    let function = study.program.function_at(call);
    matches!(study.inbound(function), Inbound::Entry(_) | Inbound::Below(_)) && gate::can_be_inside(study, function)
}

/// Whether calls of a channel belong to requests: one is known to, or the unit traces others of the library. A context
/// alone says little, as loaders and watchers at start-up take one too.
fn is_meant_to_be_traced(lives: &Lives<'_, '_>, at: ValueRef, found: &Broken) -> bool {
    let study = lives.study;
    let in_request = |call: &ValueRef| {
        let param = study.context_param(study.program.function_at(*call));
        is_in_request(study, *call) || param.is_some_and(|param| param.is_request)
    };
    let can_be = |call: &ValueRef| gate::can_be_inside(study, study.program.function_at(*call));
    found.uses.iter().any(in_request)
        || (study.is_offered(at.file) || found.uses.iter().any(can_be))
            && study.fact(at).is_none_or(|fact| is_traced_elsewhere(lives, fact))
}

/// Whether the unit instruments another channel or server of the same library, so that its calls are meant to be traced.
fn is_traced_elsewhere(lives: &Lives<'_, '_>, made: &CallFact<'_>) -> bool {
    let study = lives.study;
    let unit = |file: u32| study.program.files.get(file as usize).map(|file| file.source.unit);
    study.calls().iter().any(|fact| {
        matches!(fact.effect.makes, Some(TypeRole::RpcChannel | TypeRole::Server))
            && fact.library.id == made.library.id
            && unit(fact.call.file) == unit(made.call.file)
            && lives.of_construction(fact.call) == Life::Instrumented
    })
}

fn gate_use(study: &Study<'_>, call: ValueRef) -> bool {
    let function = study.program.function_at(call);
    matches!(study.inbound(function), Inbound::Entry(_) | Inbound::Below(_) | Inbound::Takes)
        && !super::words::is_apart(&study.callee_text(call))
        && !super::words::is_apart(&study.function_name(function))
        && !study.is_for_operator(call.file)
}

/// Whether a call takes a context, as a stub's method does.
fn has_context(study: &Study<'_>, call: ValueRef) -> bool {
    let is_context = |value: &ValueRef| study.program.role_of(*value) == Some(TypeRole::Context);
    match study.language() {
        crate::ir::Language::Go => study.slot(call, Slot::Arg(0)).first().is_some_and(is_context),
        _ => study.fact(call).is_some_and(|fact| fact.effect.hop.is_some()),
    }
}

/// Clients of a library for which one process-wide switch exists and which the unit instruments nowhere one by one are
/// one cause: the first place that is known to belong to requests stands for all, or else the first.
fn by_switch(study: &Study<'_>, broken: BTreeMap<ValueRef, Broken>) -> BTreeMap<ValueRef, Broken> {
    let mut first: BTreeMap<(usize, String), ValueRef> = BTreeMap::new();
    let mut out: BTreeMap<ValueRef, Broken> = BTreeMap::new();
    let mut broken: Vec<(ValueRef, Broken)> = broken.into_iter().collect();
    broken.sort_by_key(|(_, found)| !found.uses.iter().any(|call| is_in_request(study, *call)));
    for (at, found) in broken {
        let Some(library) =
            study.fact(at).map(|fact| fact.library).filter(|found| has_switch(study, found)).map(|found| &found.id)
        else {
            out.insert(at, found);
            continue;
        };
        let unit = study.program.files.get(at.file as usize).map_or(0, |file| file.source.unit);
        let cause = *first.entry((unit, library.clone())).or_insert(at);
        match out.get_mut(&cause) {
            Some(known) if cause != at => {
                known.uses.push(at);
                known.uses.extend(found.uses.into_iter().filter(|call| *call != at));
            }
            _ => {
                out.insert(at, found);
            }
        }
    }
    out
}

/// Whether a process-wide switch for a library is described, and none of its clients is instrumented by hand.
fn has_switch(study: &Study<'_>, library: &LibraryDescription) -> bool {
    let is_it = |id: &String| *id == library.id || *id == library.through;
    let all = study.program.knowledge.libraries().iter().flat_map(|found| &found.functions);
    let mut switches = all.filter(|function| function.switches_on.iter().any(is_it));
    switches.any(|_| true) && !study.calls().iter().any(|fact| is_by_hand(study, fact, library))
}

/// Whether a call instruments something that it is given: a client of a library, if it takes all sorts.
fn is_by_hand(study: &Study<'_>, fact: &CallFact<'_>, library: &LibraryDescription) -> bool {
    let is_of_library = |value: ValueRef| {
        let ty = study.program.type_of(value).and_then(|ty| study.program.knowledge.ty(ty));
        ty.is_some_and(|(found, _)| found.id == library.id)
    };
    match fact.effect.instruments {
        Some(Slot::Arg(_) | Slot::Receiver) => true,
        Some(Slot::AnyArg) => study.slot(fact.call, Slot::AnyArg).into_iter().any(is_of_library),
        _ => false,
    }
}

fn rule_of(kind: HopKind) -> &'static str {
    match kind {
        HopKind::RpcCall => "uninstrumented-rpc-client",
        _ => "uninstrumented-http-client",
    }
}

fn finding(study: &Study<'_>, at: ValueRef, found: &Broken) -> Finding {
    let mut out = study.finding(rule_of(found.kind), at, confidence(study, at, found));
    let maker = study.callee_text(at);
    let direct = found.uses.contains(&at);
    let what = if found.kind == HopKind::RpcCall { "metadata" } else { "header" };
    out.message = if direct {
        format!("`{maker}` sends its request without a trace {what}: nothing instruments it")
    } else {
        format!("`{maker}` is built without tracing, so what is sent through it carries no trace {what}")
    };
    out.label = if direct { "sends no trace context".to_owned() } else { "built without tracing".to_owned() };
    out.effect =
        "There is no client span, and the service that is called starts a new trace instead of continuing this one"
            .to_owned();
    let forwards = |call: &ValueRef| study.fact(*call).is_some_and(|fact| fact.effect.forwards);
    if !found.uses.is_empty() && found.uses.iter().all(forwards) {
        out.message = format!("`{maker}` sends requests on as they came in, without the span of this service");
        out.label = "sends on the headers that came in".to_owned();
        out.effect =
            "The service behind it continues the trace of the caller, beside this service's own span; a request \
                      that comes in without a trace header starts a second trace there"
                .to_owned();
    }
    let library = study.fact(at).map(|fact| fact.library);
    out.help = match library.map(|library| library.mend.as_str()).filter(|mend| !mend.is_empty()) {
        Some(mend) => format!("For `{maker}`: {mend}"),
        None => format!("Instrument `{maker}`, or inject the current context into what it sends"),
    };
    if out.confidence == Confidence::Likely {
        out.help.push_str("; this assumes that the function runs inside a request");
    }
    out.confirm = format!(
        "Send a request without a trace {what} that reaches `{maker}` and look for one on the callee's side: there is none"
    );
    related(study, &mut out, at, found);
    out
}

fn confidence(study: &Study<'_>, at: ValueRef, found: &Broken) -> Confidence {
    let is_of_house = |call: ValueRef| {
        house::is_asked(study, call) || found.kind == HopKind::RpcCall && house::is_called(study, call)
    };
    if !is_of_house(at) && !found.uses.iter().any(|call| is_of_house(*call)) {
        return Confidence::Possible;
    }
    let seen = found.uses.iter().any(|call| is_in_request(study, *call));
    match seen {
        true => Confidence::Certain,
        false if gate::is_left_to_the_user(study, at) => Confidence::Possible,
        false => Confidence::Likely,
    }
}

fn related(study: &Study<'_>, out: &mut Finding, at: ValueRef, found: &Broken) {
    let mut functions: Vec<FuncRef> = Vec::new();
    for call in &found.uses {
        let function = study.program.function_at(*call);
        if !functions.contains(&function) {
            functions.push(function);
        }
    }
    let context = functions.iter().find_map(|function| study.context_param(*function));
    out.related.extend(context.map(|param| crate::finding::Related {
        place: param.place,
        message: format!("the trace comes in with `{}`", param.name),
    }));
    let uses = found.uses.iter().filter(|call| **call != at).take(MAX_RELATED);
    out.related.extend(uses.map(|call| study.related(*call, "the trace is lost on this call")));
}

/// Whether a function's bits say that it does something outbound.
pub(super) fn calls_out(summary: Summary) -> bool {
    summary.has(Summary::CALLS_OUT | Summary::PRODUCES | Summary::STARTS)
}
