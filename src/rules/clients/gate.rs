//! Whether a call can be part of a request's trace at all.

use super::words;
use crate::facts::{Piece, Text};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{AnnotationRole, LibraryDescription, Slot, TypeRole};
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::rules::async_work::is_cut_off;
use crate::study::{Inbound, Study, Summary, UnitView};

/// Whether a unit's tracing was seen to be switched on, and not by something that may cover a library.
pub(super) fn is_traced_by_code(unit: &UnitView, library: &LibraryDescription) -> bool {
    not_by_code(unit, library).is_none()
}

/// Why a unit is not one in which code, or a list of what a launcher loads, says what becomes of a library.
pub(super) fn not_by_code(unit: &UnitView, library: &LibraryDescription) -> Option<&'static str> {
    if !unit.stacks.iter().any(|found| found.active) {
        return Some("nothing is seen to switch tracing on in the service");
    }
    unit.may_be_covered_from_outside(library)
        .then_some("an agent, launcher or build step traces the service, and may cover anything")
}

/// Whether a trace that came in can be current in a function.
pub(in crate::rules) fn can_be_inside(study: &Study<'_>, function: FuncRef) -> bool {
    if study.is_idle(function) || is_cut_off(study, function) {
        return false;
    }
    match study.inbound(function) {
        Inbound::Entry(_) | Inbound::Below(_) => study.is_lit(function),
        // Go hands its context over: of what nobody is seen to give one that holds a trace, none is known.
        inbound if study.language() == Language::Go => {
            study.is_under_span(function) || (inbound == Inbound::Takes && study.is_all_offered())
        }
        Inbound::Takes | Inbound::Unknown if study.is_beside_services(function.file) => false,
        Inbound::Takes => true,
        Inbound::Root => false,
        Inbound::Unknown => {
            let outer = study.program.function(study.program.outermost(function));
            let is_method = outer.owner.is_some() || !outer.owner_name.is_empty();
            is_method
                && !is_start_up(study, function)
                && !is_dead(study, function)
                && unit_takes_work(study, function.file)
                && !makes_bean(study, function)
        }
    }
}

/// How many callers are looked at for one that is alive.
const MAX_CALLERS: usize = 40;

/// Whether all that calls a method ends at private methods which nothing calls or names (Java).
fn is_dead(study: &Study<'_>, function: FuncRef) -> bool {
    if study.language() != Language::Java {
        return false;
    }
    let program = study.program;
    let mut seen = vec![program.outermost(function)];
    let mut at = 0;
    while let Some(function) = seen.get(at).copied() {
        at += 1;
        let above = program.callers(function).iter().map(|call| program.outermost(program.function_at(*call)));
        let mut above: Vec<FuncRef> = above.filter(|caller| *caller != function).collect();
        if above.is_empty() && !is_unused(study, function) {
            return false;
        }
        above.retain(|caller| !seen.contains(caller));
        seen.append(&mut above);
        if seen.len() > MAX_CALLERS {
            return false;
        }
    }
    true
}

/// Whether nothing can call a method: it is private, bears no annotation by which something may find it, and no method
/// reference in its file has its name.
fn is_unused(study: &Study<'_>, function: FuncRef) -> bool {
    let decl = study.program.function(function);
    let Some(file) = study.program.files.get(function.file as usize) else { return false };
    let names = |expr: &crate::ir::Expr| matches!(&expr.kind, ExprKind::MethodRef { name, .. } if *name == decl.name);
    decl.flags.is_private
        && !decl.flags.is_constructor
        && decl.annotations.is_empty()
        && !file.source.facts.exprs.iter().any(names)
}

/// Whether a unit takes requests or starts spans itself. Java handlers are registered by what is written at them.
fn unit_takes_work(study: &Study<'_>, file: u32) -> bool {
    let Some(unit) = study.program.files.get(file as usize).map(|file| file.source.unit) else { return false };
    let handles = |function: FuncRef| matches!(study.inbound(function), Inbound::Entry(_));
    study.of_unit("takes work", unit, || {
        study
            .calls_of_unit(unit)
            .any(|fact| fact.effect.span.is_some() || fact.effect.registers.is_some_and(|found| !found.root))
            || (study.language() == Language::Java && study.functions_of_unit(unit).any(handles))
    })
}

/// Whether a function runs while the container is set up.
fn makes_bean(study: &Study<'_>, function: FuncRef) -> bool {
    super::beans::is_bean(study, study.program.outermost(function))
}

/// Whether work comes in through a library.
pub(in crate::rules) fn serves(library: &LibraryDescription) -> bool {
    let called = |role| matches!(role, AnnotationRole::Entry | AnnotationRole::Consumer | AnnotationRole::Task);
    library.annotations.iter().any(|found| called(found.role))
        || library.types.iter().any(|ty| ty.role == TypeRole::Server)
}

/// Whether spans of a unit belong to traces that come in: something reads or instruments what comes in, or starts spans in
/// the code. A unit that only watches what a library of its own does has no trace to hand on.
pub(super) fn joins_traces(study: &Study<'_>, unit: usize) -> bool {
    study.of_unit("joins traces", unit, || is_joined(study, unit))
}

fn is_joined(study: &Study<'_>, unit: usize) -> bool {
    let Some(view) = study.units.get(unit).filter(|_| study.language() == Language::Python) else { return true };
    let mut libraries = study.program.knowledge.libraries().iter();
    if libraries.any(|library| serves(library) && view.coverage(library).is_some()) {
        return true;
    }
    if is_set_up_by_others(study, unit) {
        return true;
    }
    study.calls_of_unit(unit).any(|fact| {
        let effect = fact.effect;
        let traces = effect.span.is_some() || effect.extract.is_some() || effect.instruments.is_some();
        let is_instrumented = || {
            let made = study.program.callee(fact.call).constructs;
            made.and_then(|ty| study.program.knowledge.ty(ty)).is_some_and(|(_, ty)| ty.instrumented)
        };
        traces || is_instrumented()
    })
}

/// Whether a unit calls a function of another one that instruments something or starts spans for it.
fn is_set_up_by_others(study: &Study<'_>, unit: usize) -> bool {
    let program = study.program;
    let unit_of = |file: u32| program.files.get(file as usize).map(|file| file.source.unit);
    let works = |function: &FuncRef| {
        let summary = study.summary(*function);
        summary.has(Summary::INSTRUMENTS | Summary::STARTS | Summary::EXTRACTS) && unit_of(function.file) != Some(unit)
    };
    let files = program.files.iter().enumerate().filter(|(_, file)| file.source.unit == unit);
    files.into_iter().any(|(at, file)| {
        let calls = file.flow.calls.iter().map(|site| ValueRef { file: at as u32, expr: site.expr });
        calls.into_iter().any(|call| program.callee(call).functions.iter().any(works))
    })
}

/// Whether the unit of a client is a library: nothing of it is called for inbound work, so that process-wide
/// instrumentation is up to the program that uses it.
pub(super) fn is_left_to_the_user(study: &Study<'_>, client: ValueRef) -> bool {
    let Some(unit) = study.program.files.get(client.file as usize).map(|file| file.source.unit) else { return false };
    let is_entry = |function: FuncRef| matches!(study.inbound(function), Inbound::Entry(_));
    study.language() == Language::Python
        && !study.of_unit("has entries", unit, || study.functions_of_unit(unit).any(is_entry))
}

fn is_start_up(study: &Study<'_>, function: FuncRef) -> bool {
    let outer = study.program.function(study.program.outermost(function));
    let name = outer.name.to_ascii_lowercase();
    outer.flags.is_constructor
        || ["main", "init", "new", "start", "setup", "bootstrap"].iter().any(|word| name.starts_with(word))
}

/// Whether what a function or file is about stays out of traces: exporters, health checks, start-up metadata.
pub(super) fn is_apart(study: &Study<'_>, function: FuncRef, call: ValueRef) -> bool {
    let path = study.program.place(call).path;
    let name = study.function_name(function);
    if words::is_apart(&name) || words::is_apart(&path) || study.is_aside(&path) || is_test_agent(study, function) {
        return true;
    }
    // The client's own name says it too: `s.collectorClient.Do(request)`.
    let client = study.program.receiver(call).into_iter();
    client.chain(study.slot(call, Slot::AnyArg)).any(|value| mentions(study, value, 5))
}

/// Whether a function is a health check, by its name or what it answers: what it asks for is part of no request's work.
pub(in crate::rules) fn checks_health(study: &Study<'_>, function: FuncRef) -> bool {
    let answers = study.program.function(function).results.first().is_some_and(|ty| words::names_health(&ty.name));
    answers || words::names_health(&study.function_name(function))
}

/// Whether a function literal answers at a path of checks of health, where it is mounted: `r.GET("/liveness", func(…) {…})`.
pub(in crate::rules) fn answers_checks(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let file = program.files.get(function.file as usize);
    let Some(made) = file.and_then(|file| file.flow.closures.get(&function.id)) else { return false };
    let made = ValueRef { file: function.file, expr: *made };
    let beside = program.parent(made).map(|call| study.slot(call, Slot::AnyArg)).unwrap_or_default();
    beside.into_iter().any(|value| match program.expr_kind(value) {
        ExprKind::Str(path) => path.starts_with('/') && words::names_health(path),
        _ => false,
    })
}

/// Whether a function is there for tests, by its name.
pub(in crate::rules) fn helps_tests(study: &Study<'_>, function: FuncRef) -> bool {
    words::names_test(&study.function_name(function))
}

/// Whether a Java method belongs to what runs tests: class names say so, as the classes lie among those of the service.
fn is_test_agent(study: &Study<'_>, function: FuncRef) -> bool {
    study.language() == Language::Java && words::names_test(&study.function_name(function))
}

fn mentions(study: &Study<'_>, value: ValueRef, depth: u32) -> bool {
    let program = study.program;
    let here = |value: ValueRef| match program.expr_kind(value) {
        ExprKind::Name(text) | ExprKind::Str(text) => words::is_apart(text),
        ExprKind::Member { name, .. } => words::is_apart(name),
        _ => false,
    };
    if depth == 0 || here(value) {
        return depth != 0;
    }
    match program.expr_kind(value) {
        ExprKind::Call { args, .. } | ExprKind::New { args, .. } => {
            args.iter().any(|arg| mentions(study, ValueRef { expr: arg.value, ..value }, depth - 1))
        }
        ExprKind::Member { base, .. } => mentions(study, ValueRef { expr: *base, ..value }, depth - 1),
        ExprKind::Binary { left, right, .. } => {
            [left, right].into_iter().any(|side| mentions(study, ValueRef { expr: *side, ..value }, depth - 1))
        }
        ExprKind::Name(_) => program.origins(value, false).iter().any(|origin| match origin {
            Origin::Literal(found) | Origin::Call(found, _) if *found != value => {
                here(*found) || mentions(study, *found, depth - 1)
            }
            _ => false,
        }),
        _ => false,
    }
}

/// Whether a call only keeps records, by what its function and file are named after: audit logs, telemetry.
pub(in crate::rules) fn keeps_records(study: &Study<'_>, call: ValueRef) -> bool {
    let function = study.function_name(study.program.function_at(call));
    words::names_records(&function) || words::names_records(&study.program.place(call).path)
}

/// Whether a call only keeps caches in step, by what its function and file are named after.
pub(in crate::rules) fn drops_copies(study: &Study<'_>, call: ValueRef) -> bool {
    let function = study.function_name(study.program.function_at(call));
    let path = study.program.place(call).path;
    let file = path.rsplit('/').next().unwrap_or_default();
    words::names_caches(&function) || words::names_caches(file)
}

/// The shortest name of a unit that is looked for in hosts.
const MIN_NAME: usize = 5;

/// How many values are looked at for the start of an address.
const MAX_ADDRESS: u32 = 60;

/// Whether a call goes to a stranger's service: one that its function or file is named after, or that it names by a
/// literal URL.
pub(in crate::rules) fn goes_to_third_party(study: &Study<'_>, call: ValueRef) -> bool {
    let function = study.function_name(study.program.function_at(call));
    if words::names_stranger(&function) || words::names_stranger(&study.program.place(call).path) {
        return true;
    }
    let mut left = MAX_ADDRESS;
    let (parts, receiver) = (study.slot(call, Slot::AnyArg), study.slot(call, Slot::Receiver));
    parts.iter().any(|value| is_strange(study, *value, &mut left))
        || left == 0 && is_one_strange(study, call)
        || parts.iter().any(|value| begins_strange(study, *value) || is_named_strange(study, *value))
        || parts.iter().chain(&receiver).any(|value| is_typed_in(study, *value, &mut left))
        || receiver.into_iter().any(|value| is_own_file(study, value, MAX_STEPS))
        || is_read_as_file(study, call)
}

/// Whether what a call opens is taken for what reads files: `(JarURLConnection) url.openConnection()`.
fn is_read_as_file(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let cast = program.parent(call).map(|parent| (parent.file, program.expr_kind(parent)));
    let Some((file, ExprKind::Cast { ty, .. })) = cast else { return false };
    program.knowledge.ty(program.type_ref(file, ty)).is_some_and(|(_, found)| found.reads_files)
}

/// Whether an address is named after a stranger: `self.jwks_uri`.
fn is_named_strange(study: &Study<'_>, value: ValueRef) -> bool {
    match study.program.expr_kind(value) {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => {
            words::names_address(name) && words::names_stranger(name)
        }
        _ => false,
    }
}

/// Whether a text that a value may be begins with a stranger's address, written in the code, and no text that it may be
/// begins with what is not known.
fn begins_strange(study: &Study<'_>, value: ValueRef) -> bool {
    let texts = study.texts(value);
    let start = |text: &Text| match text.0.first() {
        Some(Piece::Literal(start)) => Some(is_strangers(study, start)),
        _ => None,
    };
    let starts: Option<Vec<bool>> = texts.iter().map(start).collect();
    starts.is_some_and(|starts| starts.contains(&true))
}

/// Whether a value is an address that a request brings along whole: whoever typed it in says whose service it is.
fn is_typed_in(study: &Study<'_>, value: ValueRef, left: &mut u32) -> bool {
    let program = study.program;
    let Some(rest) = left.checked_sub(1) else { return false };
    *left = rest;
    if let ExprKind::Call { args, .. } | ExprKind::New { args, .. } = program.expr_kind(value) {
        // `new URL(text)`, `URI.create(text)`
        let [only] = &args[..] else { return false };
        return is_typed_in(study, ValueRef { expr: only.value, ..value }, left);
    }
    match program.step(value) {
        Step::Param(..) if is_told_apart(study, value) => true,
        Step::Param(function, n) => {
            let given = program.arguments(function, n);
            let name = program.function(function).params.get(n as usize).map(|param| param.name);
            match given.is_empty() {
                true => {
                    matches!(study.inbound(function), Inbound::Entry(_))
                        && name.is_some_and(|name| words::names_address(&name))
                }
                false => given.into_iter().all(|value| is_typed_in(study, value, left)),
            }
        }
        Step::Values(values) => !values.is_empty() && values.into_iter().all(|next| is_typed_in(study, next, left)),
        _ => false,
    }
}

/// Whether the function of a value asks whether it is an address at all (`source.startswith("http")`): whoever hands it over
/// may name a file, or whatever lies anywhere.
fn is_told_apart(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let ExprKind::Name(name) = program.expr_kind(value) else { return false };
    let is_it = |expr| matches!(program.expr_kind(ValueRef { expr, ..value }), ExprKind::Name(other) if other == name);
    let is_scheme = |expr| {
        let text = ValueRef { expr, ..value };
        matches!(program.expr_kind(text), ExprKind::Str(text) if words::is_start_of_address(text))
    };
    let Some(file) = program.files.get(value.file as usize) else { return false };
    file.flow.calls_of(program.function_at(value).id).any(|site| {
        let call = ValueRef { expr: site.expr, ..value };
        let ExprKind::Call { callee, args } = program.expr_kind(call) else { return false };
        let ExprKind::Member { base, name, .. } = program.expr_kind(ValueRef { expr: *callee, ..value }) else {
            return false;
        };
        words::asks_for_start(name)
            && args.last().is_some_and(|last| is_scheme(last.value))
            && (is_it(*base) || args.first().is_some_and(|first| is_it(first.value)))
    })
}

/// How many functions that one call may run are looked into.
pub(super) const MAX_CALLEES: usize = 4;
/// How many calls back from an address are looked at.
const MAX_STEPS: u32 = 4;

/// Whether a value is the address of one of the program's own files: what finds such, or the next one of several.
fn is_own_file(study: &Study<'_>, value: ValueRef, steps: u32) -> bool {
    let program = study.program;
    let Some(rest) = steps.checked_sub(1) else { return false };
    program.origins(value, false).into_iter().any(|origin| match origin {
        Origin::Call(found, _) | Origin::Literal(found) => match program.expr_kind(found) {
            ExprKind::Call { callee, .. } => match program.expr_kind(ValueRef { expr: *callee, ..found }) {
                ExprKind::Member { base, name, .. } => {
                    let base = ValueRef { expr: *base, ..found };
                    words::finds_own_file(name) || words::takes_next(name) && is_own_file(study, base, rest)
                }
                ExprKind::Name(name) => words::finds_own_file(name),
                _ => false,
            },
            _ => false,
        },
        _ => false,
    })
}

/// Whether a value is, or begins with, the address of a stranger's service. `left` says how many more values may be
/// looked at.
fn is_strange(study: &Study<'_>, value: ValueRef, left: &mut u32) -> bool {
    let program = study.program;
    let Some(rest) = left.checked_sub(1) else { return false };
    *left = rest;
    let at = |expr| ValueRef { expr, ..value };
    match program.expr_kind(value) {
        ExprKind::Str(text) => is_strangers(study, text) || words::is_set_by_platform(text),
        ExprKind::Binary { left: start, right, .. } => {
            is_strange(study, at(*start), left) || (is_scheme(study, at(*start)) && is_strange_host(study, at(*right)))
        }
        ExprKind::Unknown(parts) => parts.iter().any(|part| is_strange(study, at(*part), left)),
        ExprKind::Call { .. } => {
            let parts = parts_of(study, value);
            let hosts = parts.iter().zip(parts.iter().skip(1));
            hosts.into_iter().any(|(format, host)| is_scheme(study, *format) && is_strange_host(study, *host))
                || parts.into_iter().any(|part| is_strange(study, part, left))
                || returned_by(study, value).into_iter().any(|part| is_strange(study, part, left))
        }
        ExprKind::Name(_) | ExprKind::Member { .. } => {
            is_made_strange(study, value, left) || is_given_strange(study, value, left)
        }
        _ => false,
    }
}

/// Whether a text is the address of a stranger's service: one on the public net that is not named after a unit of the tree
/// (`https://api.shop.example` of the unit `shop`).
fn is_strangers(study: &Study<'_>, text: &str) -> bool {
    words::is_third_party(text) && !is_named_after_unit(study, words::host_of(text))
}

/// Whether a part of a host is the name of a unit of the tree.
pub(super) fn is_named_after_unit(study: &Study<'_>, host: &str) -> bool {
    host.split('.')
        .any(|label| label.len() >= MIN_NAME && study.units.iter().any(|unit| unit.name.eq_ignore_ascii_case(label)))
}

/// Whether a text is an address up to its host, which follows: `"https://" + host`, `"https://%s/"`.
fn is_scheme(study: &Study<'_>, value: ValueRef) -> bool {
    let ExprKind::Str(text) = study.program.expr_kind(value) else { return false };
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("%s/") || rest == "%s")
}

/// Whether all that a host may be are literal names of strangers on the public net.
fn is_strange_host(study: &Study<'_>, value: ValueRef) -> bool {
    let origins = study.program.origins(value, true);
    !origins.is_empty()
        && origins.iter().all(|origin| match origin {
            Origin::Literal(found) => match study.program.expr_kind(*found) {
                ExprKind::Str(host) => is_strangers(study, &format!("https://{host}")),
                _ => false,
            },
            _ => false,
        })
}

/// What the service's own functions that a call runs hand back first.
fn returned_by(study: &Study<'_>, call: ValueRef) -> Vec<ValueRef> {
    let functions = &study.program.callee(call).functions;
    study.program.first_results(&functions[..functions.len().min(MAX_CALLEES)]).collect()
}

/// Whether the address behind a name is made of a stranger's: where it comes from, or what it is put together of.
fn is_made_strange(study: &Study<'_>, value: ValueRef, left: &mut u32) -> bool {
    let program = study.program;
    let mut parts = Vec::new();
    // `url := c.base + path` is made of parts, where its origins end.
    if let Step::Values(values) = program.step(value) {
        parts.extend(values.into_iter().filter(|next| *next != value));
    }
    if study.language() == Language::Go && is_strange_by_default(study, value) {
        return true;
    }
    if let Step::Field(owner, name) = program.step(value) {
        parts.extend(program.all_writes(owner, name).into_iter().map(|(written, _)| written));
    }
    for origin in program.origins(value, false) {
        match origin {
            Origin::Literal(found) if found != value => parts.push(found),
            Origin::Call(found, _) => parts.extend(parts_of(study, found)),
            _ => {}
        }
    }
    parts.into_iter().any(|part| is_strange(study, part, left))
}

/// Whether one of the addresses that a call may go to is a stranger's, looked at each for itself: what the others are made
/// of, and all that is given along, must not use up what may be looked at.
fn is_one_strange(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let each = |address: ValueRef| match program.step(address) {
        Step::Values(values) => values.to_vec(),
        Step::Call(made, _) => vec![made],
        _ => Vec::new(),
    };
    let mut values = super::brought::addresses(study, call).into_iter().flat_map(each);
    values.any(|value| is_strange(study, value, &mut { MAX_ADDRESS }))
}

/// Whether a Go field is a stranger's address unless it is set, by its tag: `env:"CRM_URL" envDefault:"https://api.crm.com"`.
/// Of types without a name (`Crm struct { Url string … }`) the path of names leads to it.
fn is_strange_by_default(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let mut path: Vec<ustr::Ustr> = Vec::new();
    let mut at = value;
    while let ExprKind::Member { base, name, .. } = program.expr_kind(at) {
        path.push(*name);
        at = ValueRef { expr: *base, ..at };
        let Some(ty) = program.type_of(at).and_then(|ty| program.own_type(ty)) else { continue };
        let field = program.type_decl(ty).fields.iter().find(|field| field.name == *name);
        let text = program.files.get(ty.file as usize).and_then(|file| study.file_text(file.source.path));
        let (Some(field), Some(text)) = (field, text) else { return false };
        let mut text = text.get(field.span.start as usize..field.span.end as usize).unwrap_or_default();
        for name in path.iter().rev().skip(1) {
            let mut lines = text.lines().map(str::trim_start);
            let Some(line) = lines.find(|line| line.split_whitespace().next() == Some(name.as_str())) else {
                return false;
            };
            text = text.get(line.as_ptr() as usize - text.as_ptr() as usize..).unwrap_or_default();
        }
        let line = text.lines().next().unwrap_or_default();
        return line.split_once('`').is_some_and(|(_, tag)| tag.split('"').any(|text| is_strangers(study, text)));
    }
    false
}

/// Whether all callers of a function give it a stranger's address. One that all sorts of callers use sends to the house.
fn is_given_strange(study: &Study<'_>, value: ValueRef, left: &mut u32) -> bool {
    let Step::Param(function, n) = study.program.step(value) else { return false };
    let given = study.program.arguments(function, n);
    !given.is_empty() && given.into_iter().all(|value| is_strange(study, value, left))
}

/// What the text that a call hands back may begin with: what it is given, or the text that it is a method of
/// (`ADDRESS.format(…)`).
fn parts_of(study: &Study<'_>, call: ValueRef) -> Vec<ValueRef> {
    let mut out = study.slot(call, Slot::AnyArg);
    out.extend(study.slot(call, Slot::Receiver));
    out
}
