//! In which formats code has a service write and read traces: `otel.SetTextMapPropagator(b3.New())`.

use super::{FormatsInCode, Variable};
use crate::audit::catalogue::catalogue;
use crate::ir::{ExprKind, FileFacts};
use crate::knowledge::{Setting, Slot};
use crate::link::{Origin, ValueRef};
use crate::study::{CallFact, Study};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The file `rules/formats.toml`, which documents its fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    combines: Vec<String>,
    makers: BTreeMap<String, String>,
}

static KNOWN: LazyLock<Known> =
    LazyLock::new(|| toml::from_str(include_str!("../../rules/formats.toml")).unwrap_or_default());

/// The format that nearly all use.
const USUAL: &str = "tracecontext";

/// How deep propagators may be put together.
const MAX_DEPTH: u32 = 6;

/// Whether a file imports what makes propagators of another format than that of the W3C, which nearly all use.
pub(crate) fn may_set_others(facts: &FileFacts) -> bool {
    imports_maker(facts, |format| !matches!(format, "" | USUAL))
}

/// Whether a file imports what makes propagators of a format that is asked for.
pub(crate) fn imports_maker(facts: &FileFacts, is_asked: impl Fn(&str) -> bool) -> bool {
    let makes = |import: &str, maker: &str| {
        maker.strip_prefix(import).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let imports = |maker: &str| facts.imports.iter().any(|import| makes(&import.target, maker));
    KNOWN.makers.iter().any(|(maker, format)| is_asked(format) && imports(maker))
}

/// Whether a variable names such formats.
pub(crate) fn names_others(variable: &Variable) -> bool {
    let is_other = |name: &str| !matches!(name.trim(), "" | USUAL | "baggage" | "none");
    catalogue().propagators.contains(&variable.name) && variable.value.split(',').any(is_other)
}

/// The formats that each unit sets, by its index; none for one that sets something that is not known, or different things.
pub(super) fn formats(study: &Study<'_>) -> FxHashMap<usize, FormatsInCode> {
    let mut found: FxHashMap<usize, Vec<Option<FormatsInCode>>> = FxHashMap::default();
    let sets = study.calls().iter().filter(|fact| fact.effect.sets == Some(Setting::Propagator));
    for fact in sets {
        found.entry(study.unit_of(fact.call.file)).or_default().push(set(study, fact));
    }
    let mut out = FxHashMap::default();
    for (unit, all) in found {
        let mut all: Vec<FormatsInCode> = all.into_iter().collect::<Option<_>>().unwrap_or_default();
        all.sort();
        all.dedup_by(|one, other| one.formats == other.formats);
        if let [one] = all.as_slice() {
            out.insert(unit, one.clone());
        }
    }
    out
}

/// What one call sets; `None` where a part of it is not known.
fn set(study: &Study<'_>, fact: &CallFact<'_>) -> Option<FormatsInCode> {
    let mut formats = BTreeSet::new();
    let given = study.slot(fact.call, Slot::Arg(0));
    let value = given.first().copied()?;
    made(study, value, MAX_DEPTH, &mut formats)?;
    let place = study.program.place(fact.call);
    let lines = &study.program.files.get(fact.call.file as usize)?.source.facts.lines;
    let formats = formats.into_iter().filter(|format| !format.is_empty()).map(str::to_owned).collect();
    Some(FormatsInCode { formats, path: place.path.to_string(), line: lines.line(place.span.start) })
}

/// Adds the formats of what a value is made of.
fn made(study: &Study<'_>, value: ValueRef, depth: u32, out: &mut BTreeSet<&'static str>) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    for origin in study.program.origins(value, true) {
        let (Origin::Call(maker, _) | Origin::Literal(maker)) = origin else { return None };
        let callee = study.program.callee(maker);
        let name = callee.name.or(callee.constructs).or_else(|| study.program.type_of(maker));
        match name.and_then(|name| KNOWN.makers.get(name.as_str())) {
            Some(format) => {
                out.insert(format);
            }
            None => {
                let combines = name.is_some_and(|name| KNOWN.combines.iter().any(|known| *known == name.as_str()));
                let parts = if combines { study.slot(maker, Slot::AnyArg) } else { return None };
                for part in parts.into_iter().flat_map(|part| parts_of(study, part)) {
                    made(study, part, depth, out)?;
                }
            }
        }
    }
    Some(())
}

/// The elements of a list; a value of a type of its own is one.
fn parts_of(study: &Study<'_>, value: ValueRef) -> Vec<ValueRef> {
    match study.program.expr_kind(value) {
        ExprKind::Composite { ty: Some(_), .. } => vec![value],
        _ => super::elements(study, value),
    }
}
