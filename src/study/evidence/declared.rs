//! Manifests that name a stack which the code has nothing to do with.

use super::super::unit::UnitView;
use super::super::{packages, tracing};
use crate::ir::Language;
use crate::link::{Program, ValueRef};
use crate::services::Mode;
use rustc_hash::FxHashSet;

/// Takes away from the Go units what only their manifest tells of, where nothing in their code has to do with traces: the
/// modules of OpenTelemetry are there for measurements and logs too.
pub(super) fn declared_for_others(program: &Program<'_>, units: &mut [UnitView]) {
    let is_declared = |unit: &UnitView| {
        unit.language == Language::Go && unit.is_traced() && !unit.stacks.iter().any(|found| found.active)
    };
    if program.language != Language::Go || !units.iter().any(is_declared) {
        return;
    }
    let mut taking_part: FxHashSet<usize> = FxHashSet::default();
    for (at, file) in (0u32..).zip(&program.files) {
        if taking_part.contains(&file.source.unit) || !is_declared(&units[file.source.unit]) {
            continue;
        }
        let calls = file.flow.calls.iter().map(|site| program.callee(ValueRef { file: at, expr: site.expr }));
        let mut effects = calls.filter_map(|callee| Some(program.described(callee.name?)?.1));
        let imports = &file.source.facts.imports;
        if imports.iter().any(|import| packages::may_trace(program, &import.target)) || effects.any(tracing::takes_part)
        {
            taking_part.insert(file.source.unit);
        }
    }
    for (at, unit) in units.iter_mut().enumerate().filter(|(at, unit)| is_declared(unit) && !taking_part.contains(at)) {
        let has_code = program.files.iter().any(|file| file.source.unit == at);
        unit.stacks.retain(|found| !has_code || found.mode != Mode::Code);
    }
}
