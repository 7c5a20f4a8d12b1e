//! Work that a context is given to in vain: nothing in it makes a span under the context or sends its trace on (Go).

use super::decorators::decorated;
use super::forward::{GOES_ON, follow};
use crate::ir::ExprKind;
use crate::knowledge::{FunctionDescription, HopKind, Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::clients::{Life, Lives, goes_to_third_party, is_plain_client, traces_stores};
use crate::study::{CallFact, Study};

/// What a context of Go's own library tells of the end of its time. Its values may hold a trace.
const ENDS: &[&str] = &["Deadline", "Done", "Err"];

/// Whether none of the own functions that a call may run uses the context that it is given for a trace: what they do,
/// they do without it. They ask it for its end, hand it to others that do no more, or do not use it at all.
pub(super) fn is_given_in_vain(lives: &Lives<'_, '_>, call: ValueRef, context: ValueRef, depth: u32) -> bool {
    let study = lives.study;
    let ExprKind::Call { args, .. } = study.program.expr_kind(call) else { return false };
    let Some(n) = args.iter().position(|arg| arg.value == context.expr) else { return false };
    let does = |function: &&FuncRef| study.summary(**function).has(GOES_ON);
    let in_vain = |function: &FuncRef| makes_nothing_of(lives, *function, n as u16, depth);
    if let Some(inner) = decorated(study, call) {
        let is_seen = |function: &FuncRef| !study.program.function(*function).flags.is_abstract;
        return inner.iter().all(is_seen) && inner.iter().filter(does).all(in_vain);
    }
    // What does nothing itself may stand for what is not seen: a method of an interface.
    let callee = study.program.callee(call);
    let mut doing = callee.functions.iter().filter(does).peekable();
    doing.peek().is_some() && doing.all(in_vain)
}

/// Whether a function uses a parameter that is a context for no span and no call that could hold a trace.
fn makes_nothing_of(lives: &Lives<'_, '_>, function: FuncRef, n: u16, depth: u32) -> bool {
    let program = lives.study.program;
    let Some(flow) = program.files.get(function.file as usize).map(|file| &file.flow) else { return false };
    let decl = program.function(function);
    if depth == 0
        || decl.flags.is_abstract
        || program.param_type(function, n).and_then(|ty| program.role(ty)) != Some(TypeRole::Context)
    {
        return false;
    }
    let uses = flow.param_var(function.id, n).map(|var| var.uses.as_slice()).unwrap_or_default();
    let uses = uses.iter().map(|used| ValueRef { file: function.file, expr: *used });
    let uses: Vec<ValueRef> = uses.filter(|used| !asks_for_end(lives.study, *used)).collect();
    if uses.iter().any(|used| is_asked(lives.study, *used)) {
        return false;
    }
    let went = follow(lives, uses, depth - 1);
    let is_left_alone = !went.rebound && !went.escapes && went.handlers.is_empty() && !went.kept;
    is_left_alone
        && went.opaque.iter().all(|call| is_of_store_apart(lives.study, *call))
        && went.sinks.iter().all(|sink| shows_nothing(lives, *sink))
}

/// Whether a context is asked for something: what is kept in it by hand may be of the trace.
fn is_asked(study: &Study<'_>, used: ValueRef) -> bool {
    let asked = study.program.parent(used).map(|parent| study.program.expr_kind(parent));
    matches!(asked, Some(ExprKind::Member { base, .. }) if *base == used.expr)
}

/// Whether a context is asked for the end of its time.
fn asks_for_end(study: &Study<'_>, used: ValueRef) -> bool {
    let asked = study.program.parent(used).map(|parent| study.program.expr_kind(parent));
    matches!(asked, Some(ExprKind::Member { base, name, .. }) if *base == used.expr && ENDS.contains(&name.as_str()))
}

/// Whether a call leaves the process by a client that nothing instruments, for a store or a stranger: it has no span that
/// could lie in a trace, and nobody takes one up behind it.
fn shows_nothing(lives: &Lives<'_, '_>, call: ValueRef) -> bool {
    asks_plain_store(lives, call) || lives.sends_plainly(call) || asks_stranger(lives, call)
}

/// Whether a call sends a request to a stranger's service by a client that is seen to be plain. Where the other end may be
/// one of the house, the client is a fault of its own, and once that is mended the context counts.
fn asks_stranger(lives: &Lives<'_, '_>, call: ValueRef) -> bool {
    let study = lives.study;
    let Some(fact) = study.fact(call) else { return false };
    fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::HttpCall)
        && study.unit(call.file).coverage(fact.library).is_none()
        && is_plain_client(lives, fact)
        && goes_to_third_party(study, call)
}

/// Whether a call asks a store in a way that shows in no trace: through a client that nothing instruments, or by a library
/// over others where nothing in its unit instruments a store.
pub(super) fn asks_unseen_store(lives: &Lives<'_, '_>, call: ValueRef) -> bool {
    asks_plain_store(lives, call) || asks_untraced_kind(lives.study, call)
}

/// Whether a call asks a store by a library over others while nothing in its unit instruments a store: however its client
/// stands, neither the library nor what lies below it makes a span.
fn asks_untraced_kind(study: &Study<'_>, call: ValueRef) -> bool {
    let Some(fact) = study.fact(call) else { return false };
    let is_store = fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::Store);
    is_store
        && !fact.library.over.is_empty()
        && is_of_store_apart(study, call)
        && !traces_stores(study, study.unit_of(call.file))
}

/// Whether a call asks a store through a client that nothing instruments: it has no span that could lie in a trace.
fn asks_plain_store(lives: &Lives<'_, '_>, call: ValueRef) -> bool {
    let study = lives.study;
    let Some(fact) = study.fact(call) else { return false };
    let Some(hop) = fact.effect.hop.filter(|hop| hop.kind == HopKind::Store) else { return false };
    let clients = study.slot(call, hop.client);
    let made = clients.into_iter().flat_map(|client| study.program.origins(client, true)).map(|origin| match origin {
        Origin::Call(made, _) => study.fact(made).is_some_and(|fact| fact.effect.makes.is_some()).then_some(made),
        _ => None,
    });
    let Some(made) = made.collect::<Option<Vec<ValueRef>>>() else { return false };
    !made.is_empty() && made.into_iter().all(|call| lives.of_construction(call) == Life::Plain)
}

/// Whether an own function that a call may run writes log records with the context that it is given, or may: it makes a
/// logger of it, keeps it, or hands it to what is not seen.
pub(super) fn is_logged(lives: &Lives<'_, '_>, call: ValueRef, context: ValueRef, depth: u32) -> bool {
    let study = lives.study;
    let ExprKind::Call { args, .. } = study.program.expr_kind(call) else { return false };
    let Some(n) = args.iter().position(|arg| arg.value == context.expr) else { return false };
    if study.program.role_of(call) == Some(TypeRole::Logger) || speaks_of_logs(study, call) {
        return true;
    }
    let functions = &study.program.callee(call).functions;
    functions.iter().any(|function| logs_under(lives, *function, n as u16, depth))
}

fn logs_under(lives: &Lives<'_, '_>, function: FuncRef, n: u16, depth: u32) -> bool {
    let program = lives.study.program;
    let Some(flow) = program.files.get(function.file as usize).map(|file| &file.flow) else { return false };
    let uses = flow.param_var(function.id, n).map(|var| var.uses.as_slice()).unwrap_or_default();
    let went = follow(lives, uses.iter().map(|used| ValueRef { file: function.file, expr: *used }).collect(), depth);
    let is_unseen = went.opaque.iter().any(|call| !is_of_store_apart(lives.study, *call));
    let goes_on = || {
        went.sinks.iter().chain(&went.handed).any(|call| {
            let given = lives.study.program.slot(*call, Slot::AnyArg).into_iter();
            let mut given = given.filter(|value| lives.study.program.role_of(*value) == Some(TypeRole::Context));
            given.any(|value| depth == 0 || is_logged(lives, *call, value, depth - 1))
        })
    };
    went.logged || went.escapes || is_unseen || goes_on()
}

fn speaks_of_logs(study: &Study<'_>, call: ValueRef) -> bool {
    study.callee_text(call).to_lowercase().contains("log")
}

/// Whether a method of a store is called whose library is described and which nothing in the unit instruments.
pub(super) fn is_of_store_apart(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let Some(ty) = program.receiver(call).and_then(|receiver| program.type_of(receiver)) else { return false };
    let Some((library, _)) = program.knowledge.ty(ty) else { return false };
    let of_library = |fact: &CallFact<'_>| fact.library.id == library.id && fact.effect.instruments.is_some();
    let asks = |function: &FunctionDescription| function.hop.is_some_and(|hop| hop.kind == HopKind::Store);
    let unit = study.unit_of(call.file);
    library.functions.iter().any(asks)
        && study.unit(call.file).coverage(library).is_none()
        && !study.calls_of_unit(unit).any(of_library)
}
