//! Messages on their way inside the service: own types that carry what is in them through channels.

use crate::ir::{ExprKind, Language, StmtKind, TypeKind};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, Step, ValueRef};
use crate::study::Study;
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// How many functions may take a relayed type before it is too common to say anything.
const MAX_TAKERS: usize = 6;

/// How far down the functions that get a message are followed.
const DEPTH: usize = 3;

/// The values that a function and its closures put into channels, with the channels.
pub(super) fn sent(study: &Study<'_>, function: FuncRef) -> Vec<(ValueRef, ValueRef)> {
    let Some(file) = study.program.files.get(function.file as usize) else { return Vec::new() };
    let span = study.program.function(function).span;
    let at = |expr| ValueRef { file: function.file, expr };
    let sends = file.source.facts.stmts.iter().filter_map(|stmt| match stmt.kind {
        StmtKind::Send { channel, value } if span.contains(stmt.span) => Some((at(channel), at(value))),
        _ => None,
    });
    sends.collect()
}

/// Whether a function puts anything into a channel or an in-process queue.
pub(super) fn sends(study: &Study<'_>, function: FuncRef) -> bool {
    if !sent(study, function).is_empty() {
        return true;
    }
    let queues = |name: &str| matches!(name, "put" | "put_nowait" | "offer");
    study.with_nested(function).into_iter().any(|inner| {
        let Some(file) = study.program.files.get(inner.file as usize) else { return false };
        file.flow.calls_of(inner.id).any(|site| {
            let ExprKind::Call { callee, .. } = study.program.expr_kind(ValueRef { file: inner.file, expr: site.expr })
            else {
                return false;
            };
            let callee = ValueRef { file: inner.file, expr: *callee };
            let of_map = || study.program.receiver(ValueRef { file: inner.file, expr: site.expr });
            matches!(study.program.expr_kind(callee), ExprKind::Member { name, .. } if queues(name))
                && !of_map().and_then(|base| study.program.type_of(base)).is_some_and(|ty| ty.starts_with("map:"))
        })
    })
}

/// Whether a function makes a message with the headers of one that it was given: the trace in them goes on as it is.
pub(super) fn passes_on(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let is_message = |ty: Ustr| program.role(ty) == Some(TypeRole::Message);
    let brings = |value: ValueRef| {
        let of = program.receiver(value).and_then(|of| program.type_of(of));
        program.role_of(value) == Some(TypeRole::Carrier) && of.is_some_and(is_message)
    };
    study.with_nested(function).into_iter().any(|inner| {
        let Some(file) = program.files.get(inner.file as usize) else { return false };
        let mut calls = file.flow.calls_of(inner.id).map(|site| ValueRef { file: inner.file, expr: site.expr });
        calls.any(|call| {
            program.callee(call).constructs.is_some_and(is_message)
                && study.slot(call, Slot::AnyArg).into_iter().any(brings)
        })
    })
}

/// The own types of composites that a function makes and puts into channels.
pub(super) fn sent_types(study: &Study<'_>, function: FuncRef) -> FxHashSet<Ustr> {
    let program = study.program;
    let made = sent(study, function).into_iter().filter_map(|(_, value)| match program.expr_kind(value) {
        ExprKind::Composite { .. } => program.type_of(value),
        _ => None,
    });
    made.filter(|ty| is_record(study, *ty)).collect()
}

/// Whether a type is an own struct that no context is in.
pub(super) fn is_record(study: &Study<'_>, ty: Ustr) -> bool {
    let program = study.program;
    let Some(index) = program.own_type(ty) else { return false };
    let decl = program.type_decl(index);
    let bare = |name: &crate::ir::TypeRef| {
        let role = program.role(program.type_ref(index.file, name));
        !matches!(role, Some(TypeRole::Context | TypeRole::Span | TypeRole::Carrier | TypeRole::Message))
            && name.name != "map"
    };
    decl.kind != TypeKind::Interface && decl.fields.iter().all(|field| field.ty.as_ref().is_none_or(bare))
}

/// The functions that are given a context and a value of a type, apart from the type's own methods.
pub(super) fn takers(study: &Study<'_>, ty: Ustr) -> Vec<FuncRef> {
    let program = study.program;
    let takes = |function: &FuncRef| {
        let decl = program.function(*function);
        let any = (0..decl.params.len()).any(|n| program.param_type(*function, n as u16) == Some(ty));
        any && study.context_param(*function).is_some() && !decl.flags.is_abstract
    };
    let found: Vec<FuncRef> = program.all_functions().filter(takes).collect();
    if found.len() > MAX_TAKERS { Vec::new() } else { found }
}

/// Calls below a handler that give a fresh root context to own functions, in functions that have the message: it is
/// handled under no trace at all.
pub(super) fn under_fresh_context(study: &Study<'_>, handler: FuncRef) -> Vec<ValueRef> {
    let program = study.program;
    let mut out = Vec::new();
    if study.language() != Language::Go {
        return out;
    }
    let mut work = vec![(handler, 0)];
    let mut seen = FxHashSet::default();
    while let Some((function, depth)) = work.pop() {
        if !seen.insert(function) || seen.len() > 60 {
            continue;
        }
        for inner in study.with_nested(function) {
            let has_message = has_message(study, inner);
            let Some(file) = program.files.get(inner.file as usize) else { continue };
            for site in file.flow.calls_of(inner.id) {
                let call = ValueRef { file: inner.file, expr: site.expr };
                let callee = program.callee(call);
                if callee.functions.is_empty() {
                    continue;
                }
                if has_message && study.slot(call, Slot::AnyArg).into_iter().any(|v| is_root(study, v)) {
                    out.push(call);
                }
                if depth < DEPTH {
                    work.extend(callee.functions.iter().map(|next| (*next, depth + 1)));
                }
            }
        }
    }
    out
}

fn has_message(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let decl = program.function(function);
    (0..decl.params.len())
        .any(|n| program.param_type(function, n as u16).and_then(|ty| program.role(ty)) == Some(TypeRole::Message))
}

fn is_root(study: &Study<'_>, value: ValueRef) -> bool {
    study.fact(value).is_some_and(|fact| fact.effect.root_context)
}

/// The own type of a value that messages are made from and that came out of a channel.
pub(super) fn received_type(study: &Study<'_>, messages: &[ValueRef]) -> Option<Ustr> {
    messages.iter().find_map(|message| {
        let file = study.program.files.get(message.file as usize)?;
        let span = study.program.expr(*message).span;
        let inside = file.source.facts.exprs.iter().enumerate().filter(|(_, expr)| span.contains(expr.span));
        let values = inside.map(|(id, _)| ValueRef { file: message.file, expr: crate::ir::ExprId(id as u32) });
        let received = values.filter(|value| is_received(study, *value));
        received.filter_map(|value| study.program.type_of(value)).find(|ty| is_record(study, *ty))
    })
}

/// Whether a value is a name that is, or may be, taken out of a channel.
fn is_received(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let Some(def) = program.reaching(value).first().map(|def| *program.def(value.file, *def)) else { return false };
    let Some(file) = program.files.get(value.file as usize) else { return false };
    file.flow.vars.get(def.var.0 as usize).is_some_and(|var| {
        var.defs.iter().any(|def| match program.def(value.file, *def).kind {
            DefKind::Value { value: from, .. } => {
                matches!(program.expr_kind(ValueRef { expr: from, ..value }), ExprKind::Receive(_))
            }
            _ => false,
        })
    })
}

/// A composite of an own type in a function that is given a context and hands the value back: where a trace was when
/// the message was made.
pub(super) fn made_under_context(study: &Study<'_>, ty: Ustr) -> Option<(ValueRef, FuncRef)> {
    let program = study.program;
    for (at, file) in program.files.iter().enumerate() {
        for site in &file.flow.calls {
            let call = ValueRef { file: at as u32, expr: site.expr };
            let is_made = matches!(program.expr_kind(call), ExprKind::Composite { .. });
            if !is_made || program.callee(call).constructs != Some(ty) {
                continue;
            }
            let function = FuncRef { file: at as u32, id: site.function };
            if study.context_param(function).is_some() {
                return Some((call, function));
            }
        }
    }
    None
}

/// Whether an argument or the receiver of a call is, or is made from, what another call hands out.
pub(super) fn gets(study: &Study<'_>, call: ValueRef, source: ValueRef) -> bool {
    let program = study.program;
    let mut work = study.slot(call, Slot::AnyArg);
    work.extend(study.slot(call, Slot::Receiver));
    let mut seen = FxHashSet::default();
    while let Some(value) = work.pop() {
        if value == source {
            return true;
        }
        if !seen.insert(value) || seen.len() > 120 {
            continue;
        }
        let at = |expr| ValueRef { file: value.file, expr };
        match program.expr_kind(value) {
            ExprKind::Call { .. } | ExprKind::New { .. } => {
                work.extend(study.slot(value, Slot::AnyArg));
                work.extend(study.slot(value, Slot::Receiver));
            }
            ExprKind::Member { base, .. } | ExprKind::Index { base, .. } => work.push(at(*base)),
            ExprKind::Composite { fields, .. } => work.extend(fields.iter().map(|field| at(field.value))),
            ExprKind::Unary { operand, .. } => work.push(at(*operand)),
            _ => match program.step(value) {
                Step::Values(values) => work.extend(values),
                Step::Call(next, _) | Step::Part(next) => work.push(next),
                _ => {}
            },
        }
    }
    false
}
