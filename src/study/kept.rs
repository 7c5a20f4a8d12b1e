//! Where a program keeps its settings: what reads them by name, and the class that holds them.

use super::Study;
use crate::ir::{ExprKind, Language};
use crate::knowledge::ReadEffect;
use crate::link::{Calls, ValueRef};
use ustr::Ustr;

/// Most values of one setting that are looked at: one for each environment that the program knows.
const MAX_VALUES: usize = 8;

impl Study<'_> {
    /// What a value that settings are read from by an index is described as: `os.environ`, the `config` of an application.
    pub(super) fn reading(&self, base: ValueRef) -> Option<ReadEffect> {
        let program = self.program;
        let reads = |name: Ustr| program.described(name)?.1.reads;
        if let Some(found) = program.qualify(base).and_then(reads) {
            return Some(found);
        }
        let ExprKind::Member { base: owner, name, .. } = program.expr_kind(base) else { return None };
        let owner = ValueRef { expr: *owner, ..base };
        let of_type = |ty: Ustr| reads(Ustr::from(&format!("{ty}.{name}")));
        program.type_of(owner).and_then(of_type).or_else(|| {
            // What functions are given that do not say what they take.
            let mut passed = Vec::new();
            program.origins_along(owner, &Calls::new(), |value, _| passed.push(value));
            passed.into_iter().take(MAX_VALUES).find_map(|value| program.type_of(value).and_then(of_type))
        })
    }

    /// What the classes of a unit hold under the name of a setting of its application: Python applications are told their
    /// settings by the attributes of a class, often one for each environment.
    pub(super) fn kept(&self, file: u32, key: &str) -> Vec<ValueRef> {
        let program = self.program;
        let (Language::Python, Some(name)) = (program.language, Ustr::from_existing(key)) else { return Vec::new() };
        let unit = self.unit_of(file);
        let files = (0u32..).zip(&program.files).filter(|(_, file)| file.source.unit == unit);
        let types = files.flat_map(|(file, found)| {
            let count = found.source.facts.types.len();
            (0..count).map(move |id| crate::link::TypeIndex { file, id: crate::ir::TypeId(id as u32) })
        });
        let of_class = |(value, _): &&(ValueRef, Option<u8>)| program.function_at(*value).id.0 == 0;
        let held = types.flat_map(|ty| program.writes((program.type_name(ty), name)).iter().filter(of_class));
        held.map(|(value, _)| *value).take(MAX_VALUES).collect()
    }
}
