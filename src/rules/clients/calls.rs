//! uninstrumented-http-client, uninstrumented-rpc-client.

use super::super::{Ruling, Verdict, Verdicts};
use super::broken::{Broken, finding, rule_of};
use super::channels::{channels, is_meant_to_be_traced};
use super::life::{Life, Lives};
use super::makers::{is_construction, judge_client};
use super::proxies::proxies;
use super::sites::{OUTSIDE, is_generated, is_in_trace, outside, reports_here, sites};
use super::switches::by_switch;
use super::{beans, body, choice, fallback, forgotten, gate, spurned};
use crate::finding::Confidence;
use crate::ir::{ExprKind, Language, Spread};
use crate::knowledge::{FunctionDescription, HopKind, Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::messaging::{is_traced_by_hand, sets_identity};
use crate::study::{CallFact, Inbound, Study, functions_of};
use std::collections::BTreeMap;

/// How an outbound call stands, and the places of the causes where it breaks the trace.
pub(super) struct Judged {
    pub(super) ruling: Ruling,
    pub(super) at: Vec<ValueRef>,
}

impl Judged {
    pub(super) fn carried(because: &'static str) -> Self {
        Self { ruling: Ruling::carried(because), at: Vec::new() }
    }

    pub(super) fn unknown(because: &'static str) -> Self {
        Self { ruling: Ruling::unknown(because), at: Vec::new() }
    }

    pub(super) fn broken(because: &'static str, at: Vec<ValueRef>) -> Self {
        Self { ruling: Ruling::broken(because), at }
    }
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
    proxies(lives, &mut broken);
    // What is generated takes its options from who calls it; nobody mends it there.
    broken.retain(|at, _| !is_generated(study, *at));
    broken.retain(|at, _| !study.is_aside(&study.program.place(*at).path) && !fallback::is_never_needed(study, *at));
    broken.retain(|at, _| !choice::is_made_where_off(lives, *at));
    broken.retain(|at, _| !study.is_idle(study.program.function_at(*at)));
    broken.retain(|at, found| found.kind != HopKind::RpcCall || is_meant_to_be_traced(lives, *at, found));
    let forgotten = forgotten::clients(lives);
    for client in &forgotten {
        broken.entry(client.made).or_insert_with(|| Broken { kind: HopKind::HttpCall, uses: Vec::new() });
    }
    let spurned = spurned::clients(lives);
    for client in &spurned {
        broken.entry(client.made).or_insert_with(|| Broken { kind: HopKind::HttpCall, uses: Vec::new() });
    }
    let broken = by_switch(study, broken);
    for (at, found) in &broken {
        let mut finding = finding(study, *at, found);
        if let Some(client) = forgotten.iter().find(|client| client.made == *at && found.uses.is_empty()) {
            finding.confidence = Confidence::Likely;
            finding.related.push(study.related(client.sibling, "others are instrumented one by one"));
        }
        if let Some(client) = spurned.iter().find(|client| client.made == *at) {
            client.note(study, &mut finding);
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

/// Why nothing is asked about the client of a call.
fn not_asked(lives: &Lives<'_, '_>, fact: &CallFact<'_>, reports: bool) -> Option<&'static str> {
    let study = lives.study;
    if let Some(because) = gate::not_by_code(study.unit(fact.call.file), fact.library) {
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

/// Whether the very client of a call is instrumented, whatever the others of its library are.
pub(in crate::rules) fn is_traced_client(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    stands(lives, fact, Life::Instrumented)
}

/// Whether the very client of a call is plain, whoever may ask for a span of it.
pub(in crate::rules) fn is_plain_client(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    stands(lives, fact, Life::Plain)
}

/// Whether the very handle of a call of a store is instrumented, wherever it was made.
pub(in crate::rules) fn is_traced_store(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    let study = lives.study;
    let Some(hop) = fact.effect.hop.filter(|hop| hop.kind == HopKind::Store) else { return false };
    let is_traced = |origin: Origin| match origin {
        Origin::Call(made, _) => study.fact(made).is_some_and(|maker| {
            maker.effect.instruments == Some(Slot::Result(0)) && maker.effect.outbound
                || maker.effect.makes.is_some()
                    && traces_stores(study, study.unit_of(made.file))
                    && lives.of_construction(made) == Life::Instrumented
        }),
        _ => false,
    };
    study.slot(fact.call, hop.client).first().is_some_and(|client| {
        let origins = study.program.origins(*client, true);
        !origins.is_empty() && origins.into_iter().all(is_traced)
    })
}

/// Whether a unit calls what instruments a store.
pub(in crate::rules) fn traces_stores(study: &Study<'_>, unit: usize) -> bool {
    let asks_store = |function: &FunctionDescription| function.hop.is_some_and(|hop| hop.kind == HopKind::Store);
    study.of_unit("traces stores", unit, || {
        study.calls_of_unit(unit).any(|fact| {
            fact.effect.outbound && fact.effect.instruments.is_some() && fact.library.functions.iter().any(asks_store)
        })
    })
}

/// Whether the very client of a call is seen to stand so.
fn stands(lives: &Lives<'_, '_>, fact: &CallFact<'_>, wanted: Life) -> bool {
    let Some(hop) = fact.effect.hop else { return false };
    match hop.client {
        Slot::Global(name) => lives.global(name) == wanted,
        slot => lives.study.slot(fact.call, slot).first().is_some_and(|client| {
            let origins = lives.study.program.origins(*client, true);
            let is_so = |origin: &Origin| match origin {
                Origin::Call(made, _) | Origin::Literal(made) => {
                    is_construction(lives.study, *made) && lives.of_construction(*made) == wanted
                }
                // `http.DefaultClient`
                Origin::Field(..) => wanted == Life::Plain && lives.of_shared(*client) == Life::Plain,
                _ => false,
            };
            !origins.is_empty() && origins.iter().all(is_so)
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
    let is_made_here = makes_requests_alone(lives.study, outer);
    let own = |origin: &Origin| match origin {
        Origin::Param(function, _) => *function != outer,
        // A request that is made here, of nothing that could bring headers along.
        Origin::Call(made, _) => {
            is_made_here
                && lives.study.fact(*made).is_some_and(|fact| fact.effect.hop.is_none())
                && program.outermost(program.function_at(*made)) == outer
        }
        _ => false,
    };
    !carriers.iter().all(|value| program.origins(*value, false).iter().all(own))
}

/// Whether a Go function is given neither a request nor headers, so that what it sends has but the headers that it writes.
fn makes_requests_alone(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let count = program.function(function).params.len() as u16;
    let brings = |ty: ustr::Ustr| {
        ty.starts_with("map:") || matches!(program.role(ty), Some(TypeRole::Request | TypeRole::Carrier))
    };
    study.language() == Language::Go && !(0..count).filter_map(|n| program.param_type(function, n)).any(brings)
}
