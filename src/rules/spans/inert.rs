//! Annotations that ask for a span where nothing gives them an effect.

use crate::finding::{Confidence, Finding, Related};
use crate::ir::{Annotation, ExprKind, FileFacts, Language};
use crate::knowledge::{Setting, Weaving, WeavingSwitch};
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::services::{Mode, Told};
use crate::study::{CallFact, Study, UnitView, described_annotation, minor};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use ustr::Ustr;

const RULE: &str = "inert-annotation";

/// A method whose annotation asks for a span.
struct Asked<'a> {
    function: FuncRef,
    annotation: &'a Annotation,
    weaving: &'a Weaving,
    /// The container puts a proxy before the instances of its class.
    proxied: bool,
}

/// Why nothing applies an annotation in a whole unit.
enum Missing<'a> {
    /// No stack of the unit does.
    Stack,
    /// The container has nothing to make proxies with.
    Dependency(&'a str),
    /// The setting is off.
    Switch(&'a WeavingSwitch),
}

/// Finds annotations that have no effect: in a whole unit, on methods that no proxy overrides, or where an object calls
/// its own method.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Java {
        return;
    }
    let asked = asked(study);
    if asked.is_empty() {
        return;
    }
    let advised = advised(study);
    let spanned: FxHashSet<FuncRef> = asked.iter().map(|found| found.function).collect();
    let mut inert: BTreeMap<(usize, usize), Vec<&Asked<'_>>> = BTreeMap::new();
    for found in &asked {
        let view = study.unit(found.function.file);
        if !is_judged(view, found.weaving) || advised.iter().any(|text| names(text, found.annotation.name)) {
            continue;
        }
        if missing(study, view, found).is_some() {
            let unit = study.program.files[found.function.file as usize].source.unit;
            inert.entry((unit, std::ptr::from_ref(found.weaving) as usize)).or_default().push(found);
        } else if found.proxied && applies(view, found.weaving) {
            out.findings.extend(passed_by(study, found, &spanned));
        }
    }
    out.findings.extend(inert.into_values().filter_map(|found| nowhere(study, &found)));
}

/// The annotated methods of the files that import such an annotation.
fn asked<'a>(study: &Study<'a>) -> Vec<Asked<'a>> {
    let program = study.program;
    let woven = program.knowledge.libraries().iter().flat_map(|library| &library.annotations);
    let names: FxHashSet<Ustr> =
        woven.filter(|found| found.weaving.is_some()).flat_map(|found| found.names.iter().copied()).collect();
    let mut out = Vec::new();
    for (at, file) in program.files.iter().enumerate() {
        let facts = &file.source.facts;
        if !imports(facts, &names) {
            continue;
        }
        for (id, decl) in facts.functions.iter().enumerate() {
            let found = decl.annotations.iter().find_map(|annotation| {
                let (_, found) = described_annotation(study, at as u32, annotation)?;
                Some((annotation, found.weaving.as_ref()?))
            });
            let (Some((annotation, weaving)), Some(owner)) = (found, decl.owner) else { continue };
            let function = FuncRef { file: at as u32, id: crate::ir::FunctionId(id as u32) };
            let owner = facts.type_decl(owner);
            let proxies = |found: &Annotation| {
                described_annotation(study, at as u32, found).is_some_and(|(_, found)| found.proxies)
            };
            let proxied = owner.annotations.iter().any(proxies);
            out.push(Asked { function, annotation, weaving, proxied });
        }
    }
    out
}

/// What the annotations of functions say of annotated methods, as the pointcuts of an application's own aspects do.
fn advised(study: &Study<'_>) -> Vec<Ustr> {
    const OF_METHODS: &str = "@annotation(";
    let program = study.program;
    let mut out = Vec::new();
    for function in program.all_functions() {
        for annotation in &program.function(function).annotations {
            let value = ValueRef { file: function.file, expr: annotation.expr };
            let ExprKind::Call { args, .. } = program.expr_kind(value) else { continue };
            let texts = args.iter().filter_map(|arg| match program.expr_kind(ValueRef { expr: arg.value, ..value }) {
                ExprKind::Str(text) if text.contains(OF_METHODS) => Some(*text),
                _ => None,
            });
            out.extend(texts);
        }
    }
    out
}

/// Whether a pointcut names an annotation, or the parameter that takes it, which is named alike by custom.
fn names(pointcut: &str, annotation: Ustr) -> bool {
    let simple = annotation.rsplit('.').next().unwrap_or_default();
    let mut words = pointcut.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.any(|word| word.eq_ignore_ascii_case(simple))
}

fn imports(facts: &FileFacts, names: &FxHashSet<Ustr>) -> bool {
    let of_package =
        |package: Ustr| names.iter().any(|name| name.rsplit_once('.').is_some_and(|(owner, _)| owner == package));
    facts
        .imports
        .iter()
        .any(|import| names.contains(&import.target) || (import.local == "*" && of_package(import.target)))
}

/// Whether all that may apply the annotations of a unit is in sight: no agent or compiler rewrites the methods.
fn is_judged(view: &UnitView, weaving: &Weaving) -> bool {
    let outside = |mode: Mode| matches!(mode, Mode::Agent | Mode::Launcher | Mode::Build);
    let agent = weaving.by_agent && (view.covers_all.is_some() || view.stacks.iter().any(|found| outside(found.mode)));
    let woven = view.declared.iter().any(|found| weaving.unless.contains(&found.name));
    !agent && !woven && view.stacks.iter().any(|found| found.active)
}

/// Whether a stack that configures itself applies the annotation.
fn applies(view: &UnitView, weaving: &Weaving) -> bool {
    weaving.families.iter().any(|family| view.configures(family))
}

fn missing<'a>(study: &Study<'_>, view: &UnitView, found: &Asked<'a>) -> Option<Missing<'a>> {
    let weaving = found.weaving;
    if !applies(view, weaving) {
        let same = weaving.families.iter().any(|family| view.may_configure(family));
        return (weaving.by_agent && !same && is_set_up(study, view, found)).then_some(Missing::Stack);
    }
    let made = |name: &Ustr| study.calls().iter().any(|fact| fact.effect.names.contains(name));
    if !found.proxied || weaving.aspects.iter().any(made) {
        return None;
    }
    let has = |wanted: &String| match wanted.strip_suffix('*') {
        Some(start) => view.dependencies.iter().any(|name| name.starts_with(start)),
        None => view.dependencies.contains(wanted),
    };
    if !weaving.needs.is_empty() && !weaving.needs.iter().any(has) {
        return Some(Missing::Dependency(weaving.needs.iter().find(|name| name.contains("starter"))?));
    }
    let switch = weaving.switch.as_ref()?;
    let late = view.platform(&switch.platform).zip(minor(&switch.from)).is_some_and(|(has, from)| has >= from);
    let mut names = std::iter::once(&switch.name).chain(&switch.also);
    (late && names.all(|name| view.settings.switch(name) == Told::Off)).then_some(Missing::Switch(switch))
}

/// Whether a unit is seen to set up its own tracing, so that nothing from outside is needed to trace it.
fn is_set_up(study: &Study<'_>, view: &UnitView, found: &Asked<'_>) -> bool {
    let unit = |file: u32| study.program.files.get(file as usize).map(|file| file.source.unit);
    let by_code = |fact: &CallFact<'_>| {
        let sets = matches!(fact.effect.sets, Some(Setting::TracerProvider | Setting::Everything));
        sets && unit(fact.call.file) == unit(found.function.file)
    };
    view.stacks.iter().any(|found| found.active && found.mode == Mode::AutoConfiguration)
        || study.calls().iter().any(by_code)
}

/// One finding for all annotations of a unit that nothing applies.
fn nowhere(study: &Study<'_>, asked: &[&Asked<'_>]) -> Option<Finding> {
    let first = asked.first()?;
    let file = first.function.file;
    let view = study.unit(file);
    let name = first.annotation.name;
    let place = study.program.place_of(file, first.annotation.span);
    let mut out = study.finding_at(RULE, file, place, Confidence::Likely);
    let (why, mend) = match missing(study, view, first)? {
        Missing::Stack => {
            let by = view.stacks.iter().find(|found| found.active).map_or("", |found| found.evidence.as_str());
            (
                format!("what traces {} does not read it ({by})", view.name),
                format!(
                    "start the spans of `{}` with the tracer, or run {} with an agent or starter that reads `@{name}`",
                    study.function_name(first.function),
                    view.name
                ),
            )
        }
        Missing::Dependency(wanted) => (
            "the container has no AspectJ on its class path to make proxies with".to_owned(),
            format!("declare {wanted} in the manifest of {}", view.name),
        ),
        Missing::Switch(switch) => (
            format!("{} is not set, which {} asks for since {}", switch.name, switch.platform, switch.from),
            format!(
                "set {}=true{}",
                switch.name,
                view.settings.path().map(|path| format!(" in {path}")).unwrap_or_default()
            ),
        ),
    };
    out.message = format!("`@{name}` has no effect in {}: {why}", view.name);
    out.label = format!("asks for a span that `{}` never gets", study.function_name(first.function));
    out.effect =
        format!("{} here have no span, and what they call hangs under the span around them", count(asked.len()));
    out.help = mend;
    out.confirm = format!("call `{}` and open the trace: no span of it is there", study.function_name(first.function));
    out.related = asked
        .iter()
        .skip(1)
        .take(8)
        .map(|other| Related {
            place: study.program.place_of(other.function.file, other.annotation.span),
            message: "has no effect either".to_owned(),
        })
        .collect();
    Some(out)
}

fn count(methods: usize) -> String {
    if methods == 1 { "the annotated method".to_owned() } else { format!("{methods} annotated methods") }
}

/// A method that the proxy before its object does not override, or that its own object calls.
fn passed_by(study: &Study<'_>, asked: &Asked<'_>, spanned: &FxHashSet<FuncRef>) -> Option<Finding> {
    let program = study.program;
    let decl = program.function(asked.function);
    let flags = decl.flags;
    let method = study.function_name(asked.function);
    let name = asked.annotation.name;
    let kind = [(flags.is_private, "private"), (flags.is_static, "static"), (flags.is_final, "final")];
    if let Some((_, kind)) = kind.into_iter().find(|(holds, _)| *holds) {
        let place = program.place_of(asked.function.file, asked.annotation.span);
        let mut out = study.finding_at(RULE, asked.function.file, place, Confidence::Certain);
        out.message = format!("`@{name}` has no effect on `{method}`: a proxy overrides no {kind} method");
        out.label = format!("`{}` is {kind}", decl.name);
        out.help = format!(
            "make `{}` public in a class of its own and call it through that, or start the span with the tracer",
            decl.name
        );
        return Some(described(out, &method));
    }
    let own = own_calls(study, asked.function, spanned);
    let first = *own.first()?;
    let mut out = study.finding(RULE, first, Confidence::Certain);
    let caller = study.function_name(program.function_at(first));
    out.message = format!("`{caller}` calls `{}` on its own object, so `@{name}` has no effect", decl.name);
    out.label = "this call does not pass the proxy that starts the span".to_owned();
    out.help = format!(
        "move `{}` to a class of its own and call it through that, or start the span with the tracer",
        decl.name
    );
    let place = program.place_of(asked.function.file, asked.annotation.span);
    out.related.push(Related { place, message: "the span is asked for here".to_owned() });
    let others = own.iter().skip(1).take(7);
    out.related.extend(others.map(|call| study.related(*call, "and so does this call")));
    Some(described(out, &method))
}

fn described(mut out: Finding, method: &str) -> Finding {
    out.effect = format!("`{method}` has no span, and what it calls hangs under the span around it");
    out.confirm = format!("call `{method}` this way and open the trace: no span of it is there");
    out
}

/// The calls of a method by its own object, from methods without such a span of their own.
fn own_calls(study: &Study<'_>, function: FuncRef, spanned: &FxHashSet<FuncRef>) -> Vec<ValueRef> {
    let program = study.program;
    let owner = program.enclosing_type(function);
    let mut known: FxHashSet<FuncRef> = FxHashSet::default();
    let own = |call: &&ValueRef| {
        let from = program.function_at(**call);
        let outer = program.outermost(from);
        program.enclosing_type(from) == owner
            && !spanned.contains(&outer)
            && on_itself(study, **call)
            && known.insert(outer)
    };
    program.callers(function).iter().filter(own).copied().collect()
}

fn on_itself(study: &Study<'_>, call: ValueRef) -> bool {
    let at = |expr| ValueRef { file: call.file, expr };
    let ExprKind::Call { callee, .. } = study.program.expr_kind(call) else { return false };
    match study.program.expr_kind(at(*callee)) {
        ExprKind::Name(_) => true,
        ExprKind::Member { base, .. } => {
            matches!(study.program.expr_kind(at(*base)), ExprKind::Name(name) if name == "this")
        }
        _ => false,
    }
}
