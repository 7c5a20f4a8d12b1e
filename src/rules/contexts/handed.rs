//! `context-not-passed`: a request is made without a context, with one at hand, and handed to a function or client of which
//! it is not seen how it sends: whatever that instruments, it finds no trace in the request (Go).

use super::forward::{GOES_ON, is_function_value};
use super::not_passed::{is_sent_without, may_hold_trace};
use crate::finding::{Confidence, Finding, Related};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{HopKind, Slot, TypeRole};
use crate::link::flow::{DefId, DefKind, VarId};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::Verdicts;
use crate::rules::clients::{
    Lives, can_be_inside, checks_health, goes_to_third_party, helps_tests, is_broken, is_plain_client,
    is_traced_client, keeps_records,
};
use crate::study::{CallFact, ContextParam, Study};

/// How many functions a request is followed into.
const MAX_DEPTH: u8 = 3;

/// How many calls of a function that makes requests are looked at.
const MAX_CALLERS: usize = 32;

/// What becomes of a request that is handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// A context is bound to it after all, or may be.
    Bound,
    /// It goes through a client that makes neither span nor header, which another rule tells.
    Plainly,
    /// It goes through a client that is instrumented, or whose making is not seen.
    Perhaps,
}

/// Finds requests without a context in functions that hold one.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    if study.language() != Language::Go {
        return;
    }
    for fact in study.calls().iter().filter(|fact| fact.effect.root_context) {
        // What a framework's request hands out is no request that is sent.
        let is_made = study.program.receiver(fact.call).is_none_or(|value| study.program.qualify(value).is_some());
        if study.program.role_of(fact.call) != Some(TypeRole::Request) || !is_made {
            continue;
        }
        let places = match study.context_param(fact.function) {
            Some(_) => vec![fact.call],
            None => handed_back(study, fact),
        };
        let holder =
            |call| study.context_param(study.program.function_at(call)).filter(|param| !is_sent_without(study, param));
        let sent = places
            .into_iter()
            .filter(|call| belongs_to_trace(study, *call))
            .find_map(|call| Some((holder(call)?, call, sender(lives, call)?)));
        if let Some((param, call, sender)) = sent {
            out.findings.push(finding(study, fact, &param, call, sender));
        }
    }
}

/// The calls of a function that makes a request, takes no context for it and hands it back.
fn handed_back(study: &Study<'_>, made: &CallFact<'_>) -> Vec<ValueRef> {
    let program = study.program;
    let Some(flow) = program.files.get(made.call.file as usize).map(|file| &file.flow) else { return Vec::new() };
    let is_it = |value: &crate::ir::ExprId| {
        let defs = program.reaching(ValueRef { expr: *value, ..made.call });
        *value == made.call.expr
            || flow
                .defs_from(made.call.expr)
                .any(|(id, def)| defs.contains(&id) && matches!(def.kind, DefKind::Value { index: None | Some(0), .. }))
    };
    let mut returned = flow.returns_of(made.function.id).filter_map(|found| found.values.first());
    let binds = |fact: &CallFact<'_>| fact.effect.binds_context.is_some();
    if program.function(made.function).flags.is_closure
        || !returned.any(is_it)
        || study.calls_in(made.function).any(binds)
    {
        return Vec::new();
    }
    program.callers(made.function).iter().take(MAX_CALLERS).copied().collect()
}

/// Whether what a function sends is part of the trace that comes to it.
fn belongs_to_trace(study: &Study<'_>, call: ValueRef) -> bool {
    let unit = study.unit(call.file);
    let function = study.program.function_at(call);
    let outer = study.program.outermost(function);
    unit.is_traced()
        && !unit.keeps_span_by_goroutine()
        && may_hold_trace(study, function)
        && can_be_inside(study, function)
        && !study.outlives_request(function)
        && !study.is_aside(&study.program.place(call).path)
        && !checks_health(study, outer)
        && !helps_tests(study, outer)
        && !keeps_records(study, call)
        && !goes_to_third_party(study, call)
}

/// The call that a request is handed to in the end, if that may send it with a span and no context is bound on the way.
fn sender(lives: &Lives<'_, '_>, made: ValueRef) -> Option<ValueRef> {
    let flow = &lives.study.program.files.get(made.file as usize)?.flow;
    let is_it = |kind: &DefKind| matches!(kind, DefKind::Value { index: None | Some(0), .. });
    let (def, var) = flow.defs_from(made.expr).find(|(_, def)| is_it(&def.kind)).map(|(id, def)| (id, def.var))?;
    let takers = takers(lives.study, made.file, def, var)?;
    let sender = *takers.last()?;
    // What only writes into it or reads it hands nothing back.
    let is_used = |call: &ValueRef| {
        lives.study.program.call_site(*call).is_none_or(|site| !site.dropped) || is_served(lives.study, *call)
    };
    let bound = takers.iter().any(|taker| sent(lives, *taker, made.file, var, MAX_DEPTH) == Sent::Bound);
    (!bound && is_used(&sender) && sent(lives, sender, made.file, var, MAX_DEPTH) == Sent::Perhaps).then_some(sender)
}

/// Whether a call hands a request to a handler, with what writes the answer: the work of that goes on under the context of
/// the request.
fn is_served(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let given = study.slot(call, Slot::AnyArg);
    let answers = given.into_iter().any(|value| writes_answer(study, value));
    let functions = &program.callee(call).functions;
    let goes_on = || study.effect_of(call).has(GOES_ON);
    answers
        && study.fact(call).is_none()
        && if functions.is_empty() { is_function_value(study, call) } else { goes_on() }
}

/// Whether a value is what a handler writes its answer to.
fn writes_answer(study: &Study<'_>, value: ValueRef) -> bool {
    const WRITER: &str = "net/http.ResponseWriter";
    let ty = study.program.type_of(value);
    ty.is_some_and(|ty| ty == WRITER || study.program.supertypes(ty).iter().any(|above| *above == WRITER))
}

/// The calls that take a request as an argument, in their order; none where it goes elsewhere or gets a context.
fn takers(study: &Study<'_>, file: u32, def: DefId, var: VarId) -> Option<Vec<ValueRef>> {
    let program = study.program;
    let flow = &program.files.get(file as usize)?.flow;
    let mut out = Vec::new();
    for used in &flow.vars.get(var.0 as usize)?.uses {
        let value = ValueRef { file, expr: *used };
        let reaching = program.reaching(value);
        if !reaching.contains(&def) {
            continue;
        }
        let outer = program.parent(value)?;
        match program.expr_kind(outer) {
            ExprKind::Member { base, .. } if *base == *used => {
                let call = program.parent(outer).and_then(|call| study.fact(call));
                if call.is_some_and(|call| call.effect.binds_context.is_some() && !binds_own(study, call, var)) {
                    return None;
                }
            }
            // `req != nil`
            ExprKind::Binary { .. } => {}
            ExprKind::Call { callee, .. } if *callee != *used => out.push(outer),
            _ => return None,
        }
    }
    out.sort_by_key(|call| program.expr(*call).span.start);
    Some(out)
}

/// Whether a call binds to a request what comes from its own context: `req.WithContext(ctx)`, where that is
/// `context.WithTimeout(req.Context(), limit)`. What was not in it before is not in it then.
fn binds_own(study: &Study<'_>, binds: &CallFact<'_>, var: VarId) -> bool {
    let program = study.program;
    let Some(bound) = binds.effect.binds_context.and_then(|slot| study.slot(binds.call, slot).first().copied()) else {
        return false;
    };
    let is_own = |asked: ValueRef| {
        let of = study.fact(asked).and_then(|fact| fact.effect.context_of).map(|slot| study.slot(asked, slot));
        of.is_some_and(|of| {
            let reaching = of.first().map(|of| program.reaching(*of)).unwrap_or_default();
            !reaching.is_empty() && reaching.iter().all(|def| program.def(asked.file, *def).var == var)
        })
    };
    // What is handed back, or kept, goes on elsewhere.
    let is_sent =
        program.parent(binds.call).is_some_and(|outer| matches!(program.expr_kind(outer), ExprKind::Call { .. }));
    let origins = program.origins(bound, false);
    is_sent
        && !origins.is_empty()
        && origins.into_iter().all(|origin| matches!(origin, Origin::Call(made, _) if is_own(made)))
}

/// What a call does with the request in a variable that it is given.
fn sent(lives: &Lives<'_, '_>, call: ValueRef, file: u32, var: VarId, depth: u8) -> Sent {
    let study = lives.study;
    let program = study.program;
    if let Some(fact) = study.fact(call) {
        return sent_by_library(lives, fact, depth == MAX_DEPTH);
    }
    let args = study.slot(call, Slot::AnyArg);
    let brings = |value: &ValueRef| {
        matches!(program.role_of(*value), Some(TypeRole::Context | TypeRole::Span | TypeRole::Carrier))
    };
    let functions = &program.callee(call).functions;
    let bodies: Vec<FuncRef> =
        functions.iter().copied().filter(|at| !program.function(*at).flags.is_abstract).collect();
    if args.iter().any(brings) && (bodies.is_empty() || bodies.iter().any(|function| binds_below(study, *function))) {
        return Sent::Bound;
    }
    let Some(depth) = depth.checked_sub(1).filter(|_| !bodies.is_empty()) else { return Sent::Perhaps };
    let is_request = |value: &ValueRef| {
        value.file == file && program.reaching(*value).iter().any(|def| program.def(file, *def).var == var)
    };
    let below = bodies.iter().map(|function| {
        let params = 0..program.function(*function).params.len() as u16;
        let mut given = params.filter(|n| program.argument(call, *function, *n).as_ref().is_some_and(is_request));
        given.next().map_or(Sent::Perhaps, |n| sent_below(lives, *function, n, depth))
    });
    let below: Vec<Sent> = below.collect();
    match below.iter().all(|sent| *sent == Sent::Plainly) {
        _ if below.contains(&Sent::Bound) => Sent::Bound,
        true => Sent::Plainly,
        false => Sent::Perhaps,
    }
}

/// Whether a function binds a context to a request somewhere, or writes headers of one, or may: it hands a context to what
/// is not seen.
fn binds_below(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(function.file as usize) else { return true };
    let within = study.with_nested(function);
    let sites = file.flow.calls.iter().filter(|site| within.iter().any(|at| at.id == site.function));
    sites.map(|site| ValueRef { file: function.file, expr: site.expr }).any(|call| match study.fact(call) {
        Some(fact) => {
            let effect = fact.effect;
            effect.binds_context.is_some() || effect.inject.is_some() || effect.extract.is_some()
        }
        None => study
            .slot(call, Slot::AnyArg)
            .into_iter()
            .any(|value| matches!(program.role_of(value), Some(TypeRole::Context | TypeRole::Carrier))),
    })
}

/// What a function does with the request in its n-th parameter.
fn sent_below(lives: &Lives<'_, '_>, function: FuncRef, n: u16, depth: u8) -> Sent {
    let Some(flow) = lives.study.program.files.get(function.file as usize).map(|file| &file.flow) else {
        return Sent::Bound;
    };
    let param = |def: &crate::link::flow::Def| matches!(def.kind, DefKind::Param(at) if at == n);
    let def = (0u32..).zip(&flow.defs).find(|(_, def)| def.function == function.id && param(def));
    let Some((id, var)) = def.map(|(id, def)| (DefId(id), def.var)) else { return Sent::Perhaps };
    let Some(takers) = takers(lives.study, function.file, id, var) else { return Sent::Bound };
    let sent: Vec<Sent> = takers.iter().map(|taker| sent(lives, *taker, function.file, var, depth)).collect();
    if sent.contains(&Sent::Bound) { Sent::Bound } else { sent.last().copied().unwrap_or(Sent::Perhaps) }
}

/// What a described call does with a request.
fn sent_by_library(lives: &Lives<'_, '_>, fact: &CallFact<'_>, at_once: bool) -> Sent {
    if fact.effect.binds_context.is_some() || fact.effect.inject.is_some() {
        return Sent::Bound;
    }
    match fact.effect.hop.map(|hop| hop.kind) {
        // A call of an instrumented client is told where it stands, if the request is made there too.
        Some(HopKind::HttpCall) if is_traced(lives, fact) && at_once => Sent::Bound,
        Some(HopKind::HttpCall) if is_traced(lives, fact) => Sent::Perhaps,
        Some(HopKind::HttpCall) if !is_broken(lives, fact) && !is_plain_client(lives, fact) => Sent::Perhaps,
        _ => Sent::Plainly,
    }
}

fn is_traced(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    is_traced_client(lives, fact) || lives.study.unit(fact.call.file).coverage(fact.library).is_some()
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, param: &ContextParam, call: ValueRef, sender: ValueRef) -> Finding {
    let mut finding = study.finding("context-not-passed", fact.call, Confidence::Likely);
    let (name, context) = (param.name, param.context());
    let target = study.callee_text(sender);
    let own = call == fact.call;
    finding.message = match own {
        true => format!("the request for {target} is made without a context although {name} is at hand"),
        false => {
            let function = study.function_name(fact.function);
            format!("{function} makes the request for {target} without a context although its callers hold {name}")
        }
    };
    finding.label = "made under a fresh context".to_owned();
    finding.effect =
        "the client that sends it finds no span in it: its own becomes a root, and the called service continues that"
            .to_owned();
    let way = match own {
        true => format!("make it with http.NewRequestWithContext({context}, …)"),
        false => "take a context, and make it with http.NewRequestWithContext".to_owned(),
    };
    finding.help = format!("{way}; this assumes that what {target} sends with is instrumented");
    finding.confirm = "search for root spans of kind CLIENT from this service".to_owned();
    finding.related.push(Related { place: param.place, message: "the trace arrives here".to_owned() });
    finding.related.push(study.related(sender, "sent from here"));
    finding
}
