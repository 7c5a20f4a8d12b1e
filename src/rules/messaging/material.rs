//! What a message is made of, and whether a trace context is in it.

use crate::ir::{ExprId, ExprKind, Language, LoopKind, Stmt, StmtKind, TypeField};
use crate::knowledge::{Slot, TypeRole, holds_message_key, is_message_key};
use crate::link::{FuncRef, Step, ValueRef};
use crate::study::{Study, Summary};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// What is known of a message's trace context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A context is in it, or something that looks like one.
    Traced,
    /// All of it was seen, and no context is.
    Bare,
    /// Part of it comes from where the code does not show.
    Unknown,
}

/// Whether a name may stand for a trace or span.
fn speaks_of_traces(name: &str) -> bool {
    let name = name.to_lowercase();
    name.contains("trace") || name.contains("span")
}

/// Whether a trace header's key, or a field named like one, is written anywhere in a function and its closures.
pub(super) fn names_key(study: &Study<'_>, function: FuncRef) -> bool {
    names_key_but(study, function, |_| false)
}

/// The same, where some texts do not count.
pub(super) fn names_key_but(study: &Study<'_>, function: FuncRef, is_left_out: impl Fn(ValueRef) -> bool) -> bool {
    let Some(file) = study.program.files.get(function.file as usize) else { return false };
    let span = study.program.function(function).span;
    (0u32..).zip(&file.source.facts.exprs).any(|(id, expr)| {
        let here = ValueRef { file: function.file, expr: ExprId(id) };
        let named = match &expr.kind {
            ExprKind::Str(text) => is_message_key(text) && !is_left_out(here),
            ExprKind::Name(name) | ExprKind::Member { name, .. } => holds_message_key(name),
            _ => return false,
        };
        named && span.contains(expr.span)
    })
}

/// Whether a function gives the identity of a span to another one, which may write it into a message.
pub(super) fn gives_identity(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    study.with_nested(function).into_iter().any(|inner| {
        let Some(file) = program.files.get(inner.file as usize) else { return false };
        file.flow.calls_of(inner.id).any(|site| {
            let call = ValueRef { file: inner.file, expr: site.expr };
            let given = || study.slot(call, Slot::AnyArg).into_iter();
            study.fact(call).is_none() && given().any(|value| program.role_of(value) == Some(TypeRole::SpanContext))
        })
    })
}

/// Whether a function, or a literal in it, puts what identifies a span into headers, by whatever name, or may.
pub(in crate::rules) fn sets_identity(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    study.with_nested(program.outermost(function)).into_iter().any(|inner| {
        let Some(file) = program.files.get(inner.file as usize) else { return false };
        file.flow.calls_of(inner.id).any(|site| {
            let call = ValueRef { file: inner.file, expr: site.expr };
            let into_headers =
                || program.receiver(call).is_some_and(|value| program.role_of(value) == Some(TypeRole::Carrier));
            into_headers() && {
                let given = study.slot(call, Slot::AnyArg);
                given.iter().any(|value| is_named_for_trace(study, *value))
                    || content(study, &[], &given) == Content::Traced
            }
        })
    })
}

/// Whether a value, or what it is converted from, has a name that speaks of traces.
fn is_named_for_trace(study: &Study<'_>, value: ValueRef) -> bool {
    match study.program.expr_kind(value) {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => speaks_of_traces(name),
        ExprKind::Call { args, .. } => {
            matches!(&args[..], [only] if is_named_for_trace(study, ValueRef { expr: only.value, ..value }))
        }
        _ => false,
    }
}

/// Judges the values that make up a message, the parts that are written into it, and all that they are built from.
pub(super) fn content(study: &Study<'_>, carriers: &[ValueRef], parts: &[ValueRef]) -> Content {
    let mut work: Vec<(ValueRef, bool)> = carriers.iter().map(|value| (*value, true)).collect();
    work.extend(parts.iter().map(|value| (*value, false)));
    let mut seen = FxHashSet::default();
    let mut out = Content::Bare;
    while let Some((value, whole)) = work.pop() {
        if !seen.insert(value) {
            continue;
        }
        if seen.len() > 300 {
            return Content::Unknown;
        }
        match visit(study, value, whole, &mut work) {
            Content::Traced => return Content::Traced,
            Content::Unknown => out = Content::Unknown,
            Content::Bare => {}
        }
    }
    out
}

/// Judges one value and adds what it is built from. `whole`: it is the message, not a part of its content.
fn visit(study: &Study<'_>, value: ValueRef, whole: bool, work: &mut Vec<(ValueRef, bool)>) -> Content {
    let program = study.program;
    let at = |expr| ValueRef { file: value.file, expr };
    match program.role_of(value) {
        Some(TypeRole::Span | TypeRole::SpanContext) => return Content::Traced,
        // It is no part of the message; who injects is told by what is called with it.
        Some(TypeRole::Context) if !whole => return Content::Bare,
        _ => {}
    }
    if has_place_for_trace(study, value) {
        return Content::Unknown;
    }
    match program.expr_kind(value) {
        ExprKind::Str(text) if is_message_key(text) => return Content::Traced,
        // A key by which a context is asked: `ctx.Value(traceKey{})`.
        ExprKind::Composite { ty: Some(ty), .. } if speaks_of_traces(&ty.name) => return Content::Unknown,
        ExprKind::Name(name) | ExprKind::Member { name, .. } if !whole && speaks_of_traces(name) => {
            return Content::Unknown;
        }
        ExprKind::Composite { fields, .. } => {
            work.extend(fields.iter().filter_map(|field| field.key).map(|key| (at(key), false)));
            work.extend(fields.iter().map(|field| (at(field.value), false)));
            return Content::Bare;
        }
        ExprKind::Call { .. } | ExprKind::New { .. } => return called(study, value, whole, work),
        _ => {}
    }
    if may_be_filled(study, value) {
        return Content::Unknown;
    }
    work.extend(copied_from(study, value).into_iter().map(|container| (container, whole)));
    let opaque = if whole || is_carrier(study, value) { Content::Unknown } else { Content::Bare };
    if matches!(program.expr_kind(value), ExprKind::Zero(_)) {
        return opaque;
    }
    match program.step(value) {
        Step::Values(values) => work.extend(values.into_iter().filter(|next| *next != value).map(|next| (next, whole))),
        Step::Call(call, _) => work.push((call, whole)),
        // A text that is looked up somewhere else says nothing of the message's headers, but a key that is taken over may
        // be that of a trace.
        Step::Part(container) if !whole && is_scalar(study, value) => {
            work.extend(is_key_of(study, value, container).then_some((container, false)));
        }
        Step::Part(container) => work.push((container, whole)),
        Step::Literal(_) => {}
        Step::Param(function, n) => {
            let given = program.arguments(function, n);
            if given.is_empty() {
                return opaque;
            }
            work.extend(given.into_iter().map(|next| (next, whole)));
        }
        Step::Field(..) | Step::Unknown => return opaque,
    }
    Content::Bare
}

fn called(study: &Study<'_>, call: ValueRef, whole: bool, work: &mut Vec<(ValueRef, bool)>) -> Content {
    let program = study.program;
    if study.effect_of(call).has(Summary::INJECTS) || study.own_effect(call).has(Summary::INSTRUMENTS) {
        return Content::Traced;
    }
    if let Some(values) = program.collected(call) {
        work.extend(values.into_iter().map(|value| (value, whole)));
        return Content::Bare;
    }
    let callee = program.callee(call);
    // What an own method hands back is looked at where it does: the object that it works with is no part of that.
    let is_followed = study.language() != Language::Go && !callee.functions.is_empty();
    let receiver = study.slot(call, Slot::Receiver).into_iter().filter(|_| !is_followed);
    let inner: Vec<ValueRef> = study.slot(call, Slot::AnyArg).into_iter().chain(receiver).collect();
    let known = !callee.functions.is_empty() || study.fact(call).is_some() || callee.constructs.is_some();
    let takes_context =
        inner.iter().any(|value| matches!(program.role_of(*value), Some(TypeRole::Context | TypeRole::Span)));
    if !known && (takes_context || whole || is_carrier(study, call)) {
        return Content::Unknown;
    }
    if (whole || is_table(study, call)) && callee.functions.iter().any(|function| is_unread(study, *function)) {
        return Content::Unknown;
    }
    for function in &callee.functions {
        if names_key(study, *function) {
            return Content::Traced;
        }
        let Some(file) = program.files.get(function.file as usize) else { continue };
        for returned in file.flow.returns_of(function.id) {
            work.extend(returned.values.iter().map(|expr| (ValueRef { file: function.file, expr: *expr }, false)));
        }
    }
    work.extend(inner.into_iter().map(|value| (value, false)));
    Content::Bare
}

/// Whether a value is of a type of the service's own that has a field for a trace: who fills it is not asked. A class says
/// so by the names of its fields (Python), a struct by their types (Go), as its fields may be of many other kinds.
fn has_place_for_trace(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let Some(ty) = program.type_of(value) else { return false };
    match study.language() {
        Language::Go => has_field_for_trace(study, ty, NESTED),
        Language::Python => {
            let supers = program.supertypes(ty);
            let own = supers.iter().copied().chain([ty]).filter_map(|ty| program.own_type(ty));
            let is_place =
                |name: &str| speaks_of_traces(name) || is_message_key(name) || matches!(name, "headers" | "carrier");
            own.into_iter().any(|ty| program.type_decl(ty).fields.iter().any(|field| is_place(&field.name)))
        }
        Language::Java => false,
    }
}

/// How many structs deep a field for a trace may lie.
const NESTED: u32 = 2;

/// Whether a struct of the service's own has an exported field, which code fills, for the ids of a span or for a carrier.
fn has_field_for_trace(study: &Study<'_>, ty: Ustr, nested: u32) -> bool {
    let program = study.program;
    let Some(owner) = program.own_type(ty) else { return false };
    let is_place = |field: &TypeField| {
        let is_written = || !program.writes((ty, field.name)).is_empty();
        let is_sent = || !is_left_out(study, owner.file, field);
        let holds = |found: Ustr| match program.role(found) {
            Some(TypeRole::SpanContext | TypeRole::Carrier) => true,
            Some(_) => is_part_of_identity(study, found),
            None => nested > 1 && has_field_for_trace(study, found, nested - 1),
        };
        let declared = field.ty.as_ref().map(|found| program.type_ref(owner.file, found));
        field.name.starts_with(char::is_uppercase) && declared.is_some_and(holds) && is_written() && is_sent()
    };
    program.type_decl(owner).fields.iter().any(is_place)
}

/// Whether a type is that of an id which a span context hands out.
fn is_part_of_identity(study: &Study<'_>, ty: Ustr) -> bool {
    let knowledge = study.program.knowledge;
    let of_context = |name: &Ustr| {
        let owner = name.rsplit_once('.').and_then(|(owner, _)| knowledge.ty(Ustr::from_existing(owner)?));
        owner.is_some_and(|(_, owner)| owner.role == TypeRole::SpanContext)
    };
    let mut functions = knowledge.libraries().iter().flat_map(|library| &library.functions);
    functions.any(|function| function.returns.first() == Some(&ty) && function.names.iter().any(of_context))
}

/// Whether a field's tag keeps it out of what is sent: `json:"-"`.
fn is_left_out(study: &Study<'_>, file: u32, field: &TypeField) -> bool {
    let path = study.program.files.get(file as usize).map(|file| file.source.path);
    let text = path.and_then(|path| study.file_text(path)).unwrap_or_default();
    let rest = text.get(field.span.start as usize..).unwrap_or_default();
    rest.lines().next().is_some_and(|line| line.contains(":\"-\""))
}

/// Whether a function makes something of what it is given and its body was left out, as no trace can pass its file. One that
/// is given nothing hands out what its object was set up with.
fn is_unread(study: &Study<'_>, function: FuncRef) -> bool {
    let decl = study.program.function(function);
    let is_left_out = decl.body.is_empty() && !decl.flags.is_abstract;
    study.language() == Language::Go && is_left_out && !decl.results.is_empty() && !decl.params.is_empty()
}

/// Whether headers are given, themselves or by address, to a call that is not seen and that is given a context or span
/// along with them: it may write the trace into them.
fn may_be_filled(study: &Study<'_>, value: ValueRef) -> bool {
    is_table(study, value)
        && uses_of(study, value).into_iter().any(|used| {
            let Some(call) = taker(study, used) else { return false };
            let callee = study.program.callee(call);
            let is_unseen = callee.functions.is_empty() && callee.constructs.is_none() && study.fact(call).is_none();
            let has_trace =
                |value: &ValueRef| matches!(study.program.role_of(*value), Some(TypeRole::Context | TypeRole::Span));
            is_unseen && study.slot(call, Slot::AnyArg).iter().any(has_trace)
        })
}

/// The call that is given a value, itself or by address, perhaps converted: `fill(ctx, (*map[string]any)(&table))`.
fn taker(study: &Study<'_>, value: ValueRef) -> Option<ValueRef> {
    let program = study.program;
    let mut at = value;
    for _ in 0..MAX_CONVERSIONS {
        let parent = program.parent(at)?;
        match program.expr_kind(parent) {
            ExprKind::Unary { op, .. } if op == "&" => {}
            ExprKind::Cast { .. } => {}
            ExprKind::Call { callee, args } => {
                let callee = program.expr_kind(ValueRef { expr: *callee, ..parent });
                let converts = !matches!(callee, ExprKind::Name(_) | ExprKind::Member { .. }) && args.len() == 1;
                let is_given = args.iter().any(|arg| arg.value == at.expr);
                if !converts && program.callee(parent).constructs.is_none() {
                    return is_given.then_some(parent);
                }
            }
            _ => return None,
        }
        at = parent;
    }
    None
}

/// How many conversions of a value are seen through.
const MAX_CONVERSIONS: usize = 4;

/// The maps whose keys are taken over into a local table: `for key, value := range labels { table[key] = value }`.
fn copied_from(study: &Study<'_>, value: ValueRef) -> Vec<ValueRef> {
    let program = study.program;
    if !is_table(study, value) {
        return Vec::new();
    }
    let key_of = |used: ValueRef| {
        let target = program.parent(used)?;
        let ExprKind::Index { base, index: Some(key) } = program.expr_kind(target) else { return None };
        let is_written = program.files.get(used.file as usize)?.flow.writes_to(target.expr).next().is_some();
        (*base == used.expr && is_written).then_some(ValueRef { expr: *key, ..used })
    };
    let container = |key: ValueRef| match program.step(key) {
        Step::Part(container) if is_key_of(study, key, container) => Some(container),
        _ => None,
    };
    uses_of(study, value).into_iter().filter_map(key_of).filter_map(container).collect()
}

/// Whether a value is the key by which a loop runs over a map.
fn is_key_of(study: &Study<'_>, value: ValueRef, container: ValueRef) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(value.file as usize) else { return false };
    let [def] = program.reaching(value) else { return false };
    let span = program.def(value.file, *def).span;
    let facts = &file.source.facts;
    let takes_keys = |stmt: &Stmt| match &stmt.kind {
        StmtKind::Loop { kind: LoopKind::Each, targets, .. } => {
            targets.first().is_some_and(|target| facts.expr(*target).span == span)
        }
        _ => false,
    };
    study.language() == Language::Go && is_table(study, container) && facts.stmts.iter().any(takes_keys)
}

/// All uses of the variable that a value names.
fn uses_of(study: &Study<'_>, value: ValueRef) -> Vec<ValueRef> {
    let program = study.program;
    let Some(file) = program.files.get(value.file as usize) else { return Vec::new() };
    let vars: FxHashSet<_> = program.reaching(value).iter().map(|def| program.def(value.file, *def).var).collect();
    let uses = vars.into_iter().filter_map(|var| file.flow.vars.get(var.0 as usize)).flat_map(|var| &var.uses);
    uses.map(|expr| ValueRef { expr: *expr, ..value }).collect()
}

/// Whether a value is a table of headers: a map, or what a library calls a carrier.
fn is_table(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let is_map = |ty: Ustr| ty.starts_with("map:") || program.role(ty) == Some(TypeRole::Carrier);
    let is_made = |made: ValueRef| made_type(study, made).is_some_and(is_map);
    program.type_of(value).is_some_and(is_map)
        || match program.step(value) {
            Step::Values(values) => values.into_iter().any(is_made),
            Step::Call(made, 0) => is_made(made),
            _ => false,
        }
}

/// The type of which a call makes an empty value: `make(map[string]string)`.
fn made_type(study: &Study<'_>, call: ValueRef) -> Option<Ustr> {
    let program = study.program;
    let ExprKind::Call { callee, args } = program.expr_kind(call) else { return None };
    let is_make =
        matches!(program.expr_kind(ValueRef { expr: *callee, ..call }), ExprKind::Name(name) if name == "make");
    let ty = ValueRef { expr: args.first().filter(|_| is_make)?.value, ..call };
    match program.expr_kind(ty) {
        ExprKind::Type(found) => Some(program.type_ref(call.file, found)),
        _ => program.qualify(ty),
    }
}

/// Whether headers or a message may be in a value whose making is not seen.
fn is_carrier(study: &Study<'_>, value: ValueRef) -> bool {
    if let ExprKind::Name(name) | ExprKind::Member { name, .. } = study.program.expr_kind(value)
        && matches!(name.as_str(), "headers" | "kwargs" | "options" | "properties" | "metadata" | "attributes")
    {
        return true;
    }
    let Some(ty) = study.program.type_of(value) else { return false };
    let inner = ty.strip_prefix("[]").or_else(|| ty.strip_prefix("map:"));
    let role = study.program.role(inner.map_or(ty, ustr::Ustr::from));
    ty.starts_with("map:") || matches!(role, Some(TypeRole::Carrier | TypeRole::Message | TypeRole::Propagator))
}

/// Whether a value is a plain text or number, which holds no headers.
fn is_scalar(study: &Study<'_>, value: ValueRef) -> bool {
    const SCALARS: &[&str] =
        &["string", "int", "int32", "int64", "bool", "float64", "str", "float", "String", "java.lang.String"];
    study.program.type_of(value).is_some_and(|ty| SCALARS.contains(&ty.as_str()))
}
