//! Code that is generated for remote services, by the names that its generators give.

use super::Study;
use crate::aside::is_support;
use crate::ir::ExprKind;
use crate::knowledge::{StubNames, TypeRole};
use crate::link::ValueRef;
use rustc_hash::FxHashMap;

/// The remote service whose generated code a call runs, where it is given a channel, a client or a server.
pub fn stub_of(study: &Study<'_>, call: ValueRef, of: impl Fn(&StubNames) -> &Vec<String>) -> Option<String> {
    let ExprKind::Call { callee, args } = study.program.expr_kind(call) else { return None };
    let written = match study.program.expr_kind(ValueRef { expr: *callee, ..call }) {
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Member { base, name, .. } => match study.program.expr_kind(ValueRef { expr: *base, ..call }) {
            ExprKind::Name(base) => format!("{base}.{name}"),
            ExprKind::Member { name: base, .. } => format!("{base}.{name}"),
            _ => name.to_string(),
        },
        _ => return None,
    };
    let name = stub_named(study, &written, of)?;
    let joins = |arg: &crate::ir::Arg| {
        let role = study.program.role_of(ValueRef { expr: arg.value, ..call });
        matches!(role, Some(TypeRole::RpcChannel | TypeRole::HttpClient | TypeRole::Server))
    };
    (args.iter().any(joins) || runs_generated(study, call)).then_some(name)
}

/// The remote services whose servers the program registers, by the names of their stubs, and whether somebody goes on with a
/// trace there: not where only commands without tracing serve them. What stands in for a server says nothing of it.
pub(super) fn served(study: &Study<'_>) -> FxHashMap<String, bool> {
    let mut out = FxHashMap::default();
    for (at, file) in (0u32..).zip(&study.program.files) {
        let path = file.source.path;
        let is_traced = !study.is_out_of_traces(path) || study.is_aside(&path) || is_support(&path);
        let calls = file.flow.calls.iter().map(|site| ValueRef { file: at, expr: site.expr });
        for service in calls.filter_map(|call| stub_of(study, call, |names| &names.servers)) {
            *out.entry(service).or_default() |= is_traced;
        }
    }
    out
}

/// Whether the code that a call runs was generated.
fn runs_generated(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let functions = &program.callee(call).functions;
    let generated = |file: u32| program.files.get(file as usize).is_some_and(|file| file.source.facts.generated);
    !functions.is_empty() && functions.iter().all(|function| generated(function.file))
}

/// The part of a name, or of its last segment, for which a `*` stands in one of the patterns: the shortest, as that
/// pattern says the most.
pub fn stub_named(study: &Study<'_>, written: &str, of: impl Fn(&StubNames) -> &Vec<String>) -> Option<String> {
    let last = written.rsplit('.').next().unwrap_or(written);
    let all = study.program.knowledge.libraries().iter().filter_map(|library| library.stubs.as_ref());
    let found = all.flat_map(of).filter_map(|pattern| {
        let text = if pattern.contains('.') { written } else { last };
        let (start, end) = pattern.split_once('*')?;
        let name = text.strip_prefix(start)?.strip_suffix(end)?;
        (!name.is_empty() && !name.contains('.')).then(|| name.to_owned())
    });
    found.min_by_key(String::len)
}
