//! The calls that send or receive, also behind the service's own interfaces.

use crate::ir::{ExprKind, Language, LoopKind, Span, StmtKind, TypeKind};
use crate::knowledge::{FunctionDescription, HopKind, LibraryDescription, TypeRole};
use crate::link::flow::CallSite;
use crate::link::{FuncRef, ValueRef};
use crate::services::Mode;
use crate::study::{CallFact, Study, Summary};
use rustc_hash::{FxHashMap, FxHashSet};

/// What a library describes, by the simple name of the method.
type ByMethod<'a> = FxHashMap<&'a str, Vec<(&'a str, &'a LibraryDescription, &'a FunctionDescription)>>;

/// The units that trace: by their stack, or because their code starts spans or names a tracer (a library that uses only
/// the API, and is given its tracer by the service).
pub(super) fn traced_units(study: &Study<'_>) -> FxHashSet<usize> {
    let starts = study.calls().iter().filter(|fact| fact.effect.span.is_some());
    let mut out: FxHashSet<usize> = starts.map(|fact| study.unit_of(fact.call.file)).collect();
    out.extend(study.units.iter().enumerate().filter(|(_, unit)| unit.is_traced()).map(|(at, _)| at));
    let packages = tracer_packages(study);
    for file in &study.program.files {
        let traces = || file.scope.targets().any(|target| is_within(&target, &packages));
        if !out.contains(&file.source.unit) && traces() {
            out.insert(file.source.unit);
        }
    }
    out
}

/// Whether a Java unit sets tracing up in its own code, and nothing that it runs ever makes a span or context current,
/// writes a carrier or instruments anything: its spans are records beside the work, and no message has one.
pub(super) fn keeps_spans_aside(study: &Study<'_>, unit: usize) -> bool {
    let Some(view) = study.units.get(unit).filter(|view| view.language == Language::Java) else { return false };
    let mut active = view.stacks.iter().filter(|found| found.active).peekable();
    let is_by_code = active.peek().is_some() && active.all(|found| found.mode == Mode::Code);
    let works = Summary::ACTIVATES | Summary::INJECTS | Summary::INSTRUMENTS;
    let is_own = |function: &FuncRef| study.unit_of(function.file) == unit;
    is_by_code && !study.program.all_functions().filter(is_own).any(|function| study.summary(function).has(works))
}

/// The packages in which tracers are declared.
fn tracer_packages(study: &Study<'_>) -> FxHashSet<&'static str> {
    let libraries = study.program.knowledge.libraries().iter();
    let tracers = libraries.flat_map(|library| &library.types).filter(|ty| ty.role == TypeRole::Tracer);
    tracers.flat_map(|ty| &ty.names).filter_map(|name| name.as_str().rsplit_once('.')).map(|(home, _)| home).collect()
}

/// Whether a name is one of these packages or stands in it.
fn is_within(name: &str, packages: &FxHashSet<&str>) -> bool {
    let mut ends = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
    ends.any(|end| packages.contains(&name[..end]))
}

/// All calls that cross a boundary of one of these kinds: described ones, and calls of an own interface's method that
/// has the name of a described one and that library's types in its signature (`SendMessage(…, *lib.Input)`).
pub(super) fn hop_calls<'a>(study: &Study<'a>, kinds: &[HopKind]) -> Vec<CallFact<'a>> {
    let is_kind = |effect: &FunctionDescription| effect.hop.is_some_and(|hop| kinds.contains(&hop.kind));
    let mut out: Vec<CallFact<'a>> = study.calls().iter().filter(|fact| is_kind(fact.effect)).copied().collect();
    if study.language() == Language::Go {
        out.extend(behind_interfaces(study, &is_kind));
        out.sort_unstable_by_key(|fact| fact.call);
    }
    if study.language() == Language::Python {
        out.extend(loops(study, &is_kind));
        out.sort_unstable_by_key(|fact| fact.call);
    }
    out
}

/// The methods that a loop calls on what it runs over.
const OF_LOOP: &[&str] = &["__next__", "__anext__"];

/// Loops over something whose next element is a hop: the value that they run over stands for the call.
fn loops<'a>(study: &Study<'a>, is_kind: &dyn Fn(&FunctionDescription) -> bool) -> Vec<CallFact<'a>> {
    let program = study.program;
    let mut out = Vec::new();
    for (at, file) in program.files.iter().enumerate() {
        for stmt in &file.source.facts.stmts {
            let StmtKind::Loop { kind: LoopKind::Each, subject: Some(subject), .. } = stmt.kind else { continue };
            let call = ValueRef { file: at as u32, expr: subject };
            let Some(ty) = program.type_of(call) else { continue };
            let named =
                OF_LOOP.iter().filter_map(|method| program.described(ustr::Ustr::from(&format!("{ty}.{method}"))));
            let found = named.into_iter().find(|(_, effect)| is_kind(effect));
            if let Some((library, effect)) = found {
                let function = program.function_at(call);
                let site = CallSite {
                    expr: subject,
                    function: function.id,
                    deferred: false,
                    spawned: false,
                    managed: false,
                    dropped: false,
                    in_loop: 0,
                };
                out.push(CallFact { call, function, library, effect, site });
            }
        }
    }
    out
}

/// The bytes of the loop that runs over a value.
pub(super) fn loop_over(study: &Study<'_>, value: ValueRef) -> Option<Span> {
    let file = study.program.files.get(value.file as usize)?;
    file.source.facts.stmts.iter().find_map(|stmt| match stmt.kind {
        StmtKind::Loop { subject: Some(subject), .. } if subject == value.expr => Some(stmt.span),
        _ => None,
    })
}

fn behind_interfaces<'a>(study: &Study<'a>, is_kind: &dyn Fn(&FunctionDescription) -> bool) -> Vec<CallFact<'a>> {
    let program = study.program;
    let mut by_method: ByMethod<'a> = FxHashMap::default();
    for library in program.knowledge.libraries() {
        for effect in library.functions.iter().filter(|effect| is_kind(effect)) {
            for (owner, method) in effect.names.iter().filter_map(|name| name.as_str().rsplit_once('.')) {
                by_method.entry(method).or_default().push((owner, library, effect));
            }
        }
    }
    let mut out = Vec::new();
    for (at, file) in program.files.iter().enumerate() {
        for site in &file.flow.calls {
            let call = ValueRef { file: at as u32, expr: site.expr };
            let named = method_name(study, call).is_some_and(|name| by_method.contains_key(name));
            if !named || study.fact(call).is_some() || is_crossed_inside(study, call, is_kind) {
                continue;
            }
            let Some((method, function)) = interface_method(study, call) else { continue };
            let Some(candidates) = by_method.get(method) else { continue };
            let types = signature(study, function);
            let found = candidates.iter().find(|(owner, ..)| types.iter().any(|ty| same_package(owner, ty)));
            if let Some((_, library, effect)) = found {
                let function = FuncRef { file: at as u32, id: site.function };
                out.push(CallFact { call, function, library, effect, site: *site });
            }
        }
    }
    out
}

/// Whether an own method that a call may run crosses the boundary itself: the hop is judged there.
fn is_crossed_inside(study: &Study<'_>, call: ValueRef, is_kind: &dyn Fn(&FunctionDescription) -> bool) -> bool {
    study.program.callee(call).functions.iter().any(|function| {
        study.with_nested(*function).into_iter().any(|inner| study.calls_in(inner).any(|fact| is_kind(fact.effect)))
    })
}

/// The name after the dot of a call.
pub(super) fn method_name(study: &Study<'_>, call: ValueRef) -> Option<&'static str> {
    let ExprKind::Call { callee, .. } = study.program.expr_kind(call) else { return None };
    match study.program.expr_kind(ValueRef { expr: *callee, ..call }) {
        ExprKind::Member { name, .. } => Some(name.as_str()),
        _ => None,
    }
}

/// The name and the declaration of the own interface's method that a call names.
fn interface_method(study: &Study<'_>, call: ValueRef) -> Option<(&'static str, FuncRef)> {
    let program = study.program;
    let name = program.callee(call).name?;
    let (owner, method) = name.as_str().rsplit_once('.')?;
    let owner = program.own_type(ustr::Ustr::from_existing(owner)?)?;
    if program.type_decl(owner).kind != TypeKind::Interface {
        return None;
    }
    let function =
        program.named_functions(name).into_iter().find(|found| program.function(*found).flags.is_abstract)?;
    Some((method, function))
}

fn signature(study: &Study<'_>, function: FuncRef) -> Vec<String> {
    let decl = study.program.function(function);
    let params = decl.params.iter().filter_map(|param| param.ty.as_ref());
    let types = params.chain(&decl.results).map(|ty| study.program.type_ref(function.file, ty));
    types.map(|ty| ty.trim_start_matches("[]").trim_start_matches("map:").to_owned()).collect()
}

/// Whether a type stands in the package of a method's owner, or in one below it.
fn same_package(owner: &str, ty: &str) -> bool {
    let package = |name: &str| name.rsplit_once('.').map_or("", |(package, _)| package).to_owned();
    let (home, other) = (package(owner), package(ty));
    !home.is_empty() && (other == home || other.starts_with(&format!("{home}/")))
}
