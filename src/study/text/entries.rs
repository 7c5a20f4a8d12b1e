//! The texts that dictionaries hold.

use super::{MAX_TEXTS, Reader};
use crate::facts::Text;
use crate::ir::ExprKind;
use crate::knowledge::SettingSource;
use crate::link::{Calls, Origin, ValueRef};
use crate::study::Study;

impl Reader<'_, '_> {
    /// The texts of what an index reads: a setting, unless the program itself writes it.
    pub(super) fn indexed(&mut self, base: ValueRef, key: ValueRef, calls: &Calls, depth: u32) -> Vec<Text> {
        match self.study.reading(base) {
            Some(effect) if effect.from == SettingSource::Environment => {
                self.setting(effect.from, key, None, calls, depth)
            }
            found => {
                let texts = self.entry(base, key, depth);
                let is_unseen = texts.iter().all(Text::is_unknown);
                match found.filter(|_| is_unseen) {
                    Some(effect) => self.setting(effect.from, key, None, calls, depth),
                    None => texts,
                }
            }
        }
    }

    /// The texts of an entry of a dictionary, by what is written to the same entry in the same file.
    fn entry(&mut self, base: ValueRef, key: ValueRef, depth: u32) -> Vec<Text> {
        let program = self.study.program;
        let ExprKind::Str(key) = program.expr_kind(key) else { return vec![Text::unknown()] };
        let made = self.made_entries(base, key);
        if !made.is_empty() {
            return self.any(made, |reader, value| reader.texts(value, &Calls::new(), depth + 1));
        }
        let Some(owner) = path_of(self.study, base) else { return vec![Text::unknown()] };
        let at = |expr| ValueRef { file: base.file, expr };
        let is_it = |target: ValueRef| match program.expr_kind(target) {
            ExprKind::Index { base, index: Some(index) } => {
                matches!(program.expr_kind(at(*index)), ExprKind::Str(text) if text == key)
                    && path_of(self.study, at(*base)).as_ref() == Some(&owner)
            }
            _ => false,
        };
        let writes = program.files[base.file as usize].flow.writes.iter();
        let values: Vec<ValueRef> =
            writes.filter(|write| is_it(at(write.target))).map(|write| at(write.value)).collect();
        self.any(values, |reader, value| reader.texts(value, &Calls::new(), depth + 1))
    }

    /// What a dictionary has under a key, where all that it may be are seen to be made with it.
    fn made_entries(&self, dictionary: ValueRef, key: &str) -> Vec<ValueRef> {
        let program = self.study.program;
        let entry = |made: ValueRef| {
            let at = |expr| ValueRef { file: made.file, expr };
            let ExprKind::Composite { fields, .. } = program.expr_kind(made) else { return None };
            let is_it = |field: &&crate::ir::Field| {
                field.key.is_some_and(|name| matches!(program.expr_kind(at(name)), ExprKind::Str(text) if text == key))
            };
            fields.iter().find(is_it).map(|field| at(field.value))
        };
        let origins = program.origins(dictionary, true);
        let entries: Option<Vec<ValueRef>> = origins
            .into_iter()
            .take(MAX_TEXTS)
            .map(|origin| match origin {
                Origin::Literal(made) => entry(made),
                _ => None,
            })
            .collect();
        entries.unwrap_or_default()
    }
}

/// A name, or names with dots between them, as it is written.
fn path_of(study: &Study<'_>, value: ValueRef) -> Option<String> {
    match study.program.expr_kind(value) {
        ExprKind::Name(name) => Some(name.to_string()),
        ExprKind::Member { base, name, .. } => {
            let base = path_of(study, ValueRef { expr: *base, ..value })?;
            Some(format!("{base}.{name}"))
        }
        _ => None,
    }
}
