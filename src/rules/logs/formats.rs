//! `log-without-trace-id` in Python: formats given to the logging library in code.

use super::super::Verdicts;
use super::{chains, settings};
use crate::finding::{Confidence, Related};
use crate::ir::{ExprKind, FileFacts, Language, TypeId};
use crate::link::{Origin, TypeIndex, ValueRef};
use crate::services::{Mode, stacks};
use crate::study::{CallFact, Study, UnitView, is_aside};
use std::collections::BTreeMap;
use ustr::Ustr;

/// How deep a table of settings is looked into.
const MAX_DEPTH: usize = 6;

/// A form of log records without an id, and the call that uses it.
struct Bare {
    format: ValueRef,
    user: ValueRef,
}

/// Finds the services that are traced by their code, and whose log records have no place for an id.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    let program = study.program;
    let mut by_unit: BTreeMap<usize, Vec<Bare>> = BTreeMap::new();
    let is_traced = |at: usize| {
        let by_others = || study.of_unit("part of traced services", at, || is_part_of_traced(study, at));
        study.units.get(at).is_some_and(is_traced_by_code) || by_others()
    };
    let is_judged = |file: u32| {
        let source = &program.files[file as usize].source;
        is_traced(source.unit)
            && !is_aside(&source.path)
            && !study.is_beside_services(file)
            && !study.is_out_of_traces(source.path)
    };
    let facts = study.calls().iter().filter(|fact| writes_records(fact) && is_judged(fact.call.file));
    let facts: Vec<_> = facts.filter(|fact| !is_forgotten(study, fact.call) && !writes_extras(study, fact)).collect();
    for fact in facts.iter().filter(|fact| chains::is_seen(study, fact)) {
        let unit = program.files[fact.call.file as usize].source.unit;
        by_unit.entry(unit).or_default().push(Bare { format: fact.call, user: fact.call });
    }
    let direct = facts.into_iter().map(|fact| (fact.call, given(study, fact)));
    let inherited =
        (0u32..program.files.len() as u32).filter(|file| is_judged(*file)).flat_map(|file| of_subclasses(study, file));
    for (call, given) in direct.chain(inherited) {
        let unit = program.files[call.file as usize].source.unit;
        by_unit.entry(unit).or_default().extend(bare(study, call, &given));
    }
    for table in settings::tables(study).into_iter().filter(|table| is_judged(table.file)) {
        let unit = program.files[table.file as usize].source.unit;
        by_unit.entry(unit).or_default().extend(bare(study, table, &[table]));
    }
    for (unit, mut found) in by_unit {
        found.sort_by_key(|bare| bare.format);
        found.dedup_by_key(|bare| bare.format);
        if let Some(first) = found.first()
            && !may_have_ids(study, unit)
        {
            out.findings.push(finding(study, first, &found));
        }
    }
}

/// Whether code, and nothing around it, traces a unit, by stacks that leave log records to the application.
fn is_traced_by_code(unit: &UnitView) -> bool {
    let mut active = unit.stacks.iter().filter(|found| found.active).peekable();
    active.peek().is_some()
        && active.all(|found| {
            let page = stacks().iter().find(|page| page.id == found.stack);
            found.mode == Mode::Code && page.is_some_and(|page| !page.sends_logs)
        })
}

/// Whether a unit is no service, and every service that it is a part of is traced by its code.
fn is_part_of_traced(study: &Study<'_>, unit: usize) -> bool {
    if study.units.get(unit).is_none_or(|unit| !unit.stacks.is_empty()) || study.serves(unit) {
        return false;
    }
    let has = |at: &usize| *at != unit && study.with_imported(*at).contains(&unit) && study.serves(*at);
    let mut services = (0..study.units.len()).filter(has).peekable();
    services.peek().is_some() && services.all(|at| is_traced_by_code(&study.units[at]))
}

fn writes_records(fact: &CallFact<'_>) -> bool {
    !fact.effect.log_format.is_empty() || fact.effect.log_processors.is_some()
}

/// Whether a call writes all that a record holds, where a stack puts the ids on it.
fn writes_extras(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let puts_ids = |id: &str| stacks().iter().any(|page| page.id == id && !page.log_keys.is_empty());
    fact.effect.log_extras
        && study.unit(fact.call.file).stacks.iter().any(|found| found.active && puts_ids(&found.stack))
}

/// What a described call is given as the form.
fn given(study: &Study<'_>, fact: &CallFact<'_>) -> Vec<ValueRef> {
    fact.effect.log_format.iter().flat_map(|slot| study.slot(fact.call, *slot)).collect()
}

/// Whether what a call makes is kept in a variable that nothing reads.
fn is_forgotten(study: &Study<'_>, call: ValueRef) -> bool {
    let flow = &study.program.files[call.file as usize].flow;
    let mut vars = flow.defs_from(call.expr).filter_map(|(_, def)| flow.vars.get(def.var.0 as usize)).peekable();
    vars.peek().is_some() && vars.all(|var| var.uses.is_empty())
}

/// The calls by which classes of a file hand a form to the constructor of the described class that they derive from.
fn of_subclasses(study: &Study<'_>, file: u32) -> Vec<(ValueRef, Vec<ValueRef>)> {
    let program = study.program;
    let unit = &program.files[file as usize];
    let mut out = Vec::new();
    for (id, _) in unit.source.facts.types.iter().enumerate().filter(|(_, ty)| !ty.supers.is_empty()) {
        let owner = program.type_name(TypeIndex { file, id: TypeId(id as u32) });
        let supers = program.supertypes(owner);
        let described = supers.iter().find_map(|name| program.knowledge.function(*name));
        let Some((_, effect)) = described.filter(|(_, effect)| !effect.log_format.is_empty()) else { continue };
        for init in program.methods(owner, Ustr::from("__init__")) {
            let calls = unit.flow.calls_of(init.id).filter(|_| init.file == file);
            let calls = calls.map(|site| ValueRef { file, expr: site.expr }).filter(|call| is_super_init(study, *call));
            out.extend(
                calls.map(|call| (call, effect.log_format.iter().flat_map(|slot| study.slot(call, *slot)).collect())),
            );
        }
    }
    out
}

/// Whether a call is `super().__init__(…)`.
fn is_super_init(study: &Study<'_>, call: ValueRef) -> bool {
    let kind = |expr| study.program.expr_kind(ValueRef { expr, ..call });
    let ExprKind::Call { callee, .. } = kind(call.expr) else { return false };
    let ExprKind::Member { base, name, .. } = kind(*callee) else { return false };
    let ExprKind::Call { callee, .. } = kind(*base) else { return false };
    name == "__init__" && matches!(kind(*callee), ExprKind::Name(name) if name == "super")
}

/// The forms that a call may use, when all of them are seen and none has a place for an id.
fn bare(study: &Study<'_>, call: ValueRef, given: &[ValueRef]) -> Vec<Bare> {
    let mut out = Vec::new();
    for value in given {
        for origin in study.program.origins(*value, true) {
            let Origin::Literal(literal) = origin else { return Vec::new() };
            match formats(study, literal, 0) {
                Some(found) => out.extend(found),
                None => return Vec::new(),
            }
        }
    }
    out.into_iter().map(|format| Bare { format, user: call }).collect()
}

/// The forms without an id in a value, or `None` when it holds anything else that decides how records are written.
fn formats(study: &Study<'_>, value: ValueRef, depth: usize) -> Option<Vec<ValueRef>> {
    let at = |expr| ValueRef { expr, ..value };
    match study.program.expr_kind(value) {
        ExprKind::Str(_) => {
            let text = study.raw_text(value)?;
            let is_format = ["%(message)", "{message", "$message", "${message"].iter().any(|part| text.contains(part));
            match is_format {
                true if tells_id(&text) => None,
                true => Some(vec![value]),
                // A class of another library that writes or completes records.
                false => {
                    (!["json", "ecs", "otel", "trace", "struct"].iter().any(|word| text.to_lowercase().contains(word)))
                        .then(Vec::new)
                }
            }
        }
        ExprKind::Composite { fields, .. } if depth < MAX_DEPTH => {
            let mut out = Vec::new();
            for field in fields {
                let key = field.key.map(|key| study.program.expr_kind(at(key)));
                if matches!(key, Some(ExprKind::Str(key)) if key == "()") {
                    return None;
                }
                out.extend(formats(study, at(field.value), depth + 1)?);
            }
            Some(out)
        }
        ExprKind::Composite { .. } | ExprKind::Unknown(_) => None,
        // A form that a variable holds may be any.
        ExprKind::Name(_) | ExprKind::Member { .. } if depth > 0 => named(study, value, depth),
        _ => Some(Vec::new()),
    }
}

/// The forms that a variable in a table stands for.
fn named(study: &Study<'_>, value: ValueRef, depth: usize) -> Option<Vec<ValueRef>> {
    let mut out = Vec::new();
    for origin in study.program.origins(value, false) {
        if let Origin::Literal(literal) = origin {
            out.extend(formats(study, literal, depth + 1)?);
        }
    }
    Some(out)
}

/// Whether a form has a field that may hold an id.
fn tells_id(format: &str) -> bool {
    let lower = format.to_lowercase();
    ["trace", "span", "correlation", "extra", "otel"].iter().any(|word| lower.contains(word))
}

/// Whether anything in a unit, or in those that it shares code with, may put ids on records, or no request comes there.
fn may_have_ids(study: &Study<'_>, unit: usize) -> bool {
    let near = study.units_near(unit);
    if !near.iter().any(|unit| study.serves(*unit)) {
        return true;
    }
    let adding: Vec<&str> = study
        .program
        .knowledge
        .libraries()
        .iter()
        .filter(|library| library.log_ids)
        .flat_map(|library| library.modules.iter().map(String::as_str))
        .collect();
    let imports = |facts: &FileFacts| {
        facts.imports.iter().any(|import| {
            adding.iter().any(|module| is_below(&import.module, module) || is_below(&import.target, module))
        })
    };
    let files = || study.program.files.iter().filter(|file| near.contains(&file.source.unit));
    files().any(|file| imports(&file.source.facts) || names_trace_id(&file.source.facts))
}

pub(super) fn is_below(name: &str, module: &str) -> bool {
    name.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a file names the id of a trace, by whatever spelling.
fn names_trace_id(facts: &FileFacts) -> bool {
    let is_id = |name: &str| {
        name.len() > 6 && name.as_bytes().windows(5).any(|part| part.eq_ignore_ascii_case(b"trace")) && {
            let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            plain.to_ascii_lowercase().contains("traceid")
        }
    };
    facts.exprs.iter().any(|expr| match &expr.kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } | ExprKind::Str(name) => is_id(name),
        ExprKind::Call { args, .. } => args.iter().any(|arg| arg.name.is_some_and(|name| is_id(&name))),
        _ => false,
    })
}

/// What uses a form, behind the word: ` of `dictConfig``; a table of settings needs no name.
fn user_text(study: &Study<'_>, user: ValueRef) -> String {
    match study.program.expr_kind(user) {
        ExprKind::Composite { .. } => String::new(),
        _ => format!(" of `{}`", study.callee_text(user)),
    }
}

fn finding(study: &Study<'_>, first: &Bare, all: &[Bare]) -> crate::finding::Finding {
    let service = study.unit(first.format.file).name.clone();
    let mut found = study.finding("log-without-trace-id", first.format, Confidence::Likely);
    found.message = match first.format == first.user {
        true => "log records pass through here, and nothing puts the trace id on them".to_owned(),
        false => "log records are written in this form, which has no field for the trace id".to_owned(),
    };
    found.label = "no trace id in it".to_owned();
    found.effect = format!("no record of {service} can be found from its trace, nor the trace from a record");
    found.help = format!(
        "put the id of the current trace on each record: let the tracing library's logging instrumentation, a filter or a processor do it, and give the form{} a field for it; this assumes that no handler outside of this repository adds it",
        user_text(study, first.user)
    );
    found.confirm =
        format!("send a request with a known trace id to {service} and search its logs for the id: nothing is found");
    if first.format != first.user {
        found.related.push(study.related(first.user, "the form is used here"));
    }
    let others = all.iter().filter(|other| other.format != first.format);
    found.related.extend(others.map(|other| Related {
        place: study.program.place(other.format),
        message: "this form has no field for it either".to_owned(),
    }));
    found
}
