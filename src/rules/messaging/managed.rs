//! Instances that a framework instruments only when it is told to: by a setting for those that it makes itself, in code
//! for those that the application makes. A stack may also instrument what the framework makes without being told, and leave
//! alone what the application makes.

use super::super::{Ruling, Site, Verdict, Verdicts};
use super::client::Plugged;
use super::material::names_key;
use super::produce::trace_at_hand;
use crate::finding::{Confidence, Finding, Related};
use crate::ir::ExprKind;
use crate::knowledge::{AnnotationRole, HopKind, LibraryDescription, SettingDescription, Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::services::Told;
use crate::study::{CallFact, Study, Summary, UnitView, annotation_role, described_annotation};
use rustc_hash::FxHashSet;

/// Most uses that a finding lists.
const MAX_RELATED: usize = 8;

/// A kind of instance in a unit: who makes it, and where messages go through it.
struct Kind<'a> {
    unit: usize,
    uses: Vec<Use>,
    /// Units that use instances of this kind.
    users: FxHashSet<usize>,
    library: &'a LibraryDescription,
    setting: &'a SettingDescription,
}

/// What goes through an instance: a call that sends, or a method that the framework gives messages to.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Use {
    function: FuncRef,
    call: Option<ValueRef>,
}

impl Use {
    fn site(self) -> Site {
        self.call.map_or(Site::Function(self.function), Site::Call)
    }
}

/// Judges the instances of every unit that a stack configures.
pub(super) fn check<'a>(study: &Study<'a>, plugged: &Plugged<'a>, out: &mut Verdicts) {
    for kind in kinds(study, plugged) {
        let made = made(study, &kind);
        let plain: Vec<ValueRef> = made.iter().copied().filter(|call| is_plain(study, *call)).collect();
        let ruling = match (made.is_empty(), plain.is_empty(), told(study, &kind)) {
            _ if is_told_later(study, &kind) => Ruling::unknown("its instance may be told to trace later"),
            (false, false, _) => Ruling::broken("its instance is made in code and is not told to trace"),
            (true, _, Told::Off) => Ruling::broken("the setting that makes the framework's instances trace is not on"),
            (true, _, Told::On) => {
                Ruling::carried("a setting, or what traces the service, makes the framework's instances trace")
            }
            _ => Ruling::unknown("the settings, or what is made in code, do not tell"),
        };
        for used in &kind.uses {
            out.count(kind.unit, used.site(), rule_of(&kind), ruling);
        }
        if ruling.verdict != Verdict::Broken {
            continue;
        }
        if made.is_empty() {
            out.findings.extend(unset(study, &kind));
        } else {
            out.findings.extend(plain.into_iter().map(|call| untold(study, &kind, call)));
        }
    }
}

/// Whether a call goes through an instance that only this module judges: of a library that a stack of the unit has a
/// setting for, and not seen to be made but by a function that hands it to the framework.
pub(super) fn judges(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let unit = study.unit(fact.call.file);
    let role = match fact.effect.hop.map(|hop| hop.kind) {
        Some(HopKind::Produce) => TypeRole::Producer,
        Some(HopKind::Consume) => TypeRole::Consumer,
        _ => return false,
    };
    let reads = |setting: &SettingDescription| match setting.name.is_empty() {
        true => is_left_to_framework(unit, fact.library, setting),
        false => unit.has_family(&setting.family),
    };
    if !fact.library.settings.iter().any(|setting| setting.role == role && reads(setting)) {
        return false;
    }
    let client = fact.effect.hop.map_or(Slot::None, |hop| hop.client);
    let values = study.slot(fact.call, client);
    values.iter().flat_map(|value| study.program.origins(*value, true)).all(|origin| match origin {
        Origin::Call(call, _) => is_handed_over(study, call),
        _ => true,
    })
}

/// Whether a stack of a unit instruments what the framework makes of a library, without a setting, and nothing else covers it.
fn is_left_to_framework(unit: &UnitView, library: &LibraryDescription, setting: &SettingDescription) -> bool {
    let by_stack = unit.coverage(library).is_some_and(|found| found.family == setting.family);
    by_stack && unit.configures(&setting.family) && !unit.may_be_covered_from_outside(library)
}

/// The kinds of instances to judge: those that are used in a unit whose stack reads their setting.
fn kinds<'a>(study: &Study<'a>, plugged: &Plugged<'a>) -> Vec<Kind<'a>> {
    let mut out = Vec::new();
    for library in study.program.knowledge.libraries() {
        let moves_messages =
            |setting: &&SettingDescription| matches!(setting.role, TypeRole::Consumer | TypeRole::Producer);
        for setting in library.settings.iter().filter(moves_messages) {
            let reads = |unit: usize| {
                let view = &study.units[unit];
                let is_told = match setting.name.is_empty() {
                    true => is_left_to_framework(view, library, setting),
                    false => view.configures(&setting.family) && view.coverage(library).is_none(),
                };
                view.language == study.language()
                    && is_told
                    && (setting.needs.is_empty() || setting.needs.iter().any(|name| view.dependencies.contains(name)))
                    && !plugged.in_unit(study, unit, library)
            };
            let units: Vec<usize> = (0..study.units.len()).filter(|unit| reads(*unit)).collect();
            if units.is_empty() {
                continue;
            }
            let all = uses(study, library, setting.role);
            let users: FxHashSet<usize> = all.iter().map(|used| study.unit_of(used.function.file)).collect();
            for unit in units.into_iter().filter(|unit| users.contains(unit)) {
                let own = all.iter().copied().filter(|used| study.unit_of(used.function.file) == unit);
                out.push(Kind { unit, uses: own.collect(), users: users.clone(), library, setting });
            }
        }
    }
    out
}

/// What the application says by the settings of a kind.
fn told(study: &Study<'_>, kind: &Kind<'_>) -> Told {
    if kind.setting.name.is_empty() {
        return Told::On;
    }
    let settings = &study.units[kind.unit].settings;
    let mut all = kind.setting.also.iter().chain([&kind.setting.name]).map(|name| settings.switch(name));
    all.find(|told| *told != Told::Off).unwrap_or(Told::Off)
}

/// All that goes through instances of a library for those who send or for those who receive, where a trace should.
fn uses(study: &Study<'_>, library: &LibraryDescription, role: TypeRole) -> Vec<Use> {
    if role == TypeRole::Consumer { handlers(study, library) } else { sends(study, library) }
}

fn sends(study: &Study<'_>, library: &LibraryDescription) -> Vec<Use> {
    let is_it = |fact: &&CallFact<'_>| {
        fact.library.id == library.id
            && fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::Produce)
            && judges(study, fact)
    };
    let found = study.calls().iter().filter(is_it);
    found
        .filter(|fact| !is_by_hand(study, fact.function, Summary::INJECTS))
        .filter(|fact| trace_at_hand(study, fact.function).is_some())
        .map(|fact| Use { function: fact.function, call: Some(fact.call) })
        .collect()
}

fn handlers(study: &Study<'_>, library: &LibraryDescription) -> Vec<Use> {
    let is_handler = |function: &FuncRef| {
        study.program.function(*function).annotations.iter().any(|annotation| {
            let found = described_annotation(study, function.file, annotation);
            found.is_some_and(|(owner, found)| {
                owner.id == library.id && matches!(found.role, AnnotationRole::Consumer | AnnotationRole::Entry)
            })
        })
    };
    let found = study.program.all_functions().filter(is_handler);
    found
        .filter(|function| !is_by_hand(study, *function, Summary::EXTRACTS))
        .map(|function| Use { function, call: None })
        .collect()
}

/// Whether the trace is written or read by hand around a function.
fn is_by_hand(study: &Study<'_>, function: FuncRef, how: Summary) -> bool {
    let outer = study.program.outermost(function);
    study.summary(outer).has(how) || names_key(study, outer)
}

/// Where instances of a kind are made.
fn made(study: &Study<'_>, kind: &Kind<'_>) -> Vec<ValueRef> {
    let is_it = |fact: &&CallFact<'_>| {
        let ty = study.program.callee(fact.call).constructs;
        ty.is_some_and(|ty| {
            let supers = study.program.supertypes(ty);
            kind.setting.types.iter().any(|wanted| ty == *wanted || supers.contains(wanted))
        })
    };
    let all = study.calls().iter().filter(is_it).map(|fact| fact.call);
    all.filter(|call| counts(study, kind, *call)).collect()
}

/// Whether a value is made in a function whose result the framework manages.
fn is_handed_over(study: &Study<'_>, call: ValueRef) -> bool {
    let function = study.program.outermost(study.program.function_at(call));
    let annotations = &study.program.function(function).annotations;
    annotations.iter().any(|found| annotation_role(study, function.file, found) == Some(AnnotationRole::Bean))
}

/// Whether an instance is handed to the framework with nothing that instruments it, and with no chance to do so.
fn is_plain(study: &Study<'_>, made: ValueRef) -> bool {
    if !is_handed_over(study, made) {
        return false;
    }
    let function = study.program.outermost(study.program.function_at(made));
    let inner = study.with_nested(function);
    let calls = || {
        inner.iter().flat_map(|at| {
            let file = &study.program.files[at.file as usize];
            file.flow.calls_of(at.id).map(|site| ValueRef { file: at.file, expr: site.expr })
        })
    };
    !calls().any(|call| instruments(study, call) || (call != made && takes(study, call, made)))
}

/// Whether a call instruments something; switching it off does not.
fn instruments(study: &Study<'_>, call: ValueRef) -> bool {
    let off = |value: &ValueRef| matches!(study.program.expr_kind(*value), ExprKind::Lit(text) if text == "false");
    study.effect_of(call).has(Summary::INSTRUMENTS) && !study.slot(call, Slot::Arg(0)).first().is_some_and(off)
}

/// Whether a call that is not known gets an instance as an argument.
fn takes(study: &Study<'_>, call: ValueRef, made: ValueRef) -> bool {
    let given = study.slot(call, Slot::AnyArg);
    study.fact(call).is_none()
        && given.into_iter().any(|value| study.program.origins(value, false).contains(&Origin::Call(made, 0)))
}

/// Whether something instruments an instance of a kind that it is given, whichever that is.
fn is_told_later(study: &Study<'_>, kind: &Kind<'_>) -> bool {
    let by_type = study.calls().iter().filter(|fact| fact.effect.instruments == Some(Slot::Receiver)).any(|fact| {
        let given = study.slot(fact.call, Slot::Receiver);
        let is_given = |value: &ValueRef| {
            let mut origins = study.program.origins(*value, true).into_iter();
            study.program.role_of(*value) == Some(kind.setting.role)
                && origins.any(|origin| !matches!(origin, Origin::Call(..)))
        };
        fact.library.id == kind.library.id && given.iter().any(is_given) && counts(study, kind, fact.call)
    });
    by_type || is_told_by_name(study, kind)
}

/// Whether a method by which the library's instances are instrumented is called on a value whose type is not seen: the
/// parameter of a customizer that is written as a function literal.
fn is_told_by_name(study: &Study<'_>, kind: &Kind<'_>) -> bool {
    let program = study.program;
    let telling = kind.library.functions.iter().filter(|function| function.instruments == Some(Slot::Receiver));
    let names: FxHashSet<&str> =
        telling.flat_map(|function| &function.names).filter_map(|name| Some(name.rsplit_once('.')?.1)).collect();
    let tells = |call: ValueRef| {
        let ExprKind::Call { callee, .. } = program.expr_kind(call) else { return false };
        let ExprKind::Member { base, name, .. } = program.expr_kind(ValueRef { expr: *callee, ..call }) else {
            return false;
        };
        names.contains(name.as_str()) && program.type_of(ValueRef { expr: *base, ..call }).is_none()
    };
    program.files.iter().enumerate().any(|(at, file)| {
        let mut calls = file.flow.calls.iter().map(|site| ValueRef { file: at as u32, expr: site.expr });
        calls.any(|call| tells(call) && counts(study, kind, call))
    })
}

/// Whether what stands at a place is about the instances of a kind: it is in their unit, or in a module of the workspace
/// that uses none itself and is no program of its own.
fn counts(study: &Study<'_>, kind: &Kind<'_>, call: ValueRef) -> bool {
    let unit = study.unit_of(call.file);
    unit == kind.unit || !(kind.users.contains(&unit) || study.is_program(unit))
}

fn rule_of(kind: &Kind<'_>) -> &'static str {
    if kind.setting.role == TypeRole::Consumer { "consume-without-extract" } else { "produce-without-inject" }
}

/// A finding for an instance that the application makes and does not tell to trace.
fn untold(study: &Study<'_>, kind: &Kind<'_>, made: ValueRef) -> Finding {
    let makes = study.callee_text(made);
    let mut found = study.finding(rule_of(kind), made, Confidence::Certain);
    found.message = match kind.setting.role {
        TypeRole::Consumer => format!("`{makes}` gives messages to their handlers without the trace they came with"),
        _ => format!("`{makes}` sends its messages without the trace"),
    };
    found.label = "never told to trace".to_owned();
    found.help = match kind.setting.name.as_str() {
        "" => format!(
            "for {}: {}; what traces this service reaches only the instances that the framework makes",
            kind.library.title, kind.setting.mend
        ),
        name => format!(
            "for {}: {}; the setting `{name}` does not reach an instance that the application makes itself",
            kind.library.title, kind.library.mend
        ),
    };
    finish(study, kind, &mut found, &kind.uses);
    found
}

/// A finding for instances that the framework makes, at the first use.
fn unset(study: &Study<'_>, kind: &Kind<'_>) -> Option<Finding> {
    let first = kind.uses.first()?;
    let setting = &kind.setting.name;
    let path = study.units[kind.unit].settings.path()?;
    let program = study.program;
    let place = match first.call {
        Some(call) => program.place(call),
        None => program.place_of(first.function.file, program.function(first.function).name_span),
    };
    let mut found = study.finding_at(rule_of(kind), first.function.file, place, Confidence::Likely);
    found.message = match first.call {
        Some(call) => format!("`{}` sends the message without the trace: `{setting}` is off", study.callee_text(call)),
        None => format!(
            "`{}` is given messages without the trace they came with: `{setting}` is off",
            study.function_name(first.function)
        ),
    };
    found.label = "outside of the trace".to_owned();
    found.help = format!(
        "set `{setting}` to `true` in `{path}`; it is off unless it is set (assumed: nothing sets it from outside when the service starts)"
    );
    finish(study, kind, &mut found, &kind.uses[1..]);
    Some(found)
}

/// What both findings have in common.
fn finish(study: &Study<'_>, kind: &Kind<'_>, found: &mut Finding, uses: &[Use]) {
    let consumes = kind.setting.role == TypeRole::Consumer;
    found.effect = match consumes {
        true => "what a handler does belongs to another trace than the one that sent the message",
        false => "whoever handles the message starts a new trace",
    }
    .to_owned();
    found.confirm = match consumes {
        true => "send a message with a known `traceparent` header: no handler is in that trace",
        false => "print the headers of one message at the consumer: there is no trace header",
    }
    .to_owned();
    let program = study.program;
    let mut seen = FxHashSet::default();
    for used in uses.iter().filter(|used| seen.insert(used.function)).take(MAX_RELATED) {
        found.related.push(match used.call {
            Some(call) => study.related(call, "a message leaves here"),
            None => Related {
                place: program.place_of(used.function.file, program.function(used.function).name_span),
                message: "messages are handled here".to_owned(),
            },
        });
    }
}
