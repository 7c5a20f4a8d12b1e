//! Work that a context is given to, of which only the call is seen: clients of other makers, and functions handed in (Go).

use super::forward::is_function_value;
use crate::ir::ExprKind;
use crate::knowledge::{TypeRole, has_part, has_start, vocabulary};
use crate::link::ValueRef;
use crate::rules::clients::{Lives, is_traced_store};
use crate::study::Study;

/// How many steps a request is built in that is followed.
const MAX_CHAIN: usize = 24;

/// Whether a call that is given a context goes on with it in a way that is seen in traces, or most likely does: it asks a
/// store through an instrumented client, or runs a function that somebody handed in.
pub(super) fn goes_on(lives: &Lives<'_, '_>, call: ValueRef) -> bool {
    let study = lives.study;
    let program = study.program;
    if let Some(fact) = study.fact(call) {
        return is_traced_store(lives, fact);
    }
    if !program.callee(call).functions.is_empty() {
        return false;
    }
    if study.asks_traced_foreigner(call) {
        return true;
    }
    // What a function is handed to go on with (`next`) is told as a span that is not made current.
    is_function_value(study, call) && program.receiver(call).is_some()
}

/// Whether a call may go on with a context, as the clients of other services do: it is that of a method of a type that is
/// neither in the tree nor in Go's own library, and of no library that is described, as what does something about traces in
/// those is known. Many such clients make no span, so nothing is certain.
pub(super) fn may_go_on(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let is_told = study.fact(call).is_some() || !program.callee(call).functions.is_empty();
    if is_told || study.asks_traced_foreigner(call) {
        return false;
    }
    let Some(receiver) = program.receiver(call).filter(|receiver| program.qualify(*receiver).is_none()) else {
        return false;
    };
    let Some(ty) = program.type_of(receiver) else { return false };
    let is_hosted = ty.split('/').next().is_some_and(|host| host.contains('.')) && ty.contains('/');
    let (package, name) = ty.rsplit_once('.').unwrap_or(("", &ty));
    let known = || program.knowledge.libraries().iter().flat_map(|library| &library.modules);
    let is_known = || {
        known().any(|module| {
            package == module || package.strip_prefix(module.as_str()).is_some_and(|rest| rest.starts_with('/'))
        })
    };
    let text = study.callee_text(call);
    let method = text.rsplit('.').next().unwrap_or(&text).to_lowercase();
    let name = name.to_lowercase();
    is_hosted
        && !has_start(&method, &vocabulary().staying_methods)
        && !has_part(&name, &vocabulary().staying_types)
        && program.role(ty).is_none_or(|role| matches!(role, TypeRole::HttpClient | TypeRole::RpcChannel))
        && program.own_type(ty).is_none()
        && program.module_unit(package).is_none()
        && !is_known()
}

/// Whether what a call hands out is a request that is built step by step and sent at the end of one chain, as generated
/// clients do: `client.FindShelf(ctx).Limit(3).Execute()`.
pub(super) fn is_sent_in_chain(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let mut at = call;
    let mut last = None;
    for _ in 0..MAX_CHAIN {
        let Some(parent) = program.parent(at) else { break };
        let next = match program.expr_kind(parent) {
            ExprKind::Member { .. } => program.parent(parent).unwrap_or(parent),
            _ => parent,
        };
        let ExprKind::Call { callee, .. } = program.expr_kind(next) else { break };
        let callee = ValueRef { expr: *callee, ..next };
        let ExprKind::Member { base, name, .. } = program.expr_kind(callee) else { break };
        if *base != at.expr {
            break;
        }
        last = Some(name.to_lowercase());
        at = next;
    }
    last.is_some_and(|last| vocabulary().sending_methods.contains(&last))
}
