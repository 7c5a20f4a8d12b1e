//! The texts of settings: environment variables, annotated fields and parameters.

use super::{Reader, named};
use crate::facts::{Piece, Text};
use crate::ir::ExprKind;
use crate::knowledge::{SettingSource, Slot};
use crate::link::{Calls, FuncRef, ValueRef};
use ustr::Ustr;

impl Reader<'_, '_> {
    /// A setting by the texts that its name may be.
    pub(super) fn setting(
        &mut self,
        from: SettingSource,
        key: ValueRef,
        default: Option<ValueRef>,
        calls: &Calls,
        depth: u32,
    ) -> Vec<Text> {
        let default = default.and_then(|value| match self.texts(value, calls, depth + 1).as_slice() {
            [Text(pieces)] => match pieces.as_slice() {
                [Piece::Literal(text)] => Some(text.clone()),
                _ => None,
            },
            _ => None,
        });
        let keys = self.texts(key, calls, depth + 1);
        let file = key.file;
        self.any(keys, |reader, key| match key.0.as_slice() {
            [Piece::Literal(name)] if from == SettingSource::Application => reader.kept(file, name, &default, depth),
            [Piece::Literal(name)] => vec![Text(vec![named(from, name, default.clone())])],
            _ => vec![Text::unknown()],
        })
    }

    /// A setting of the application: what the class says that holds it, or its name.
    pub(super) fn kept(&mut self, file: u32, name: &str, default: &Option<String>, depth: u32) -> Vec<Text> {
        let kept = self.study.kept(file, name);
        if kept.is_empty() {
            return vec![Text(vec![named(SettingSource::Application, name, default.clone())])];
        }
        let mut texts = self.any(kept, |reader, value| reader.texts(value, &Calls::new(), depth + 1));
        // What some classes ask the environment for, others only make up: for tests and for developers.
        let is_asked = |text: &Text| text.0.iter().any(|piece| matches!(piece, Piece::Variable(_)));
        if texts.iter().any(is_asked) {
            texts.retain(is_asked);
        }
        texts
    }

    pub(super) fn annotations_of_param(&self, function: FuncRef, n: u16) -> Vec<(u32, crate::ir::Annotation)> {
        let params = &self.study.program.function(function).params;
        let found = params.get(n as usize).map(|param| param.annotations.clone()).unwrap_or_default();
        found.into_iter().map(|annotation| (function.file, annotation)).collect()
    }

    pub(super) fn annotations_of_field(&self, owner: Ustr, name: Ustr) -> Vec<(u32, crate::ir::Annotation)> {
        let Some(ty) = self.study.program.own_type(owner) else { return Vec::new() };
        let fields = &self.study.program.type_decl(ty).fields;
        let found = fields.iter().find(|field| field.name == name).map(|field| field.annotations.clone());
        found.unwrap_or_default().into_iter().map(|annotation| (ty.file, annotation)).collect()
    }

    /// The setting that a type whose fields are settings has in this field.
    pub(super) fn field_setting(&self, owner: Ustr, name: Ustr) -> Option<Text> {
        let program = self.study.program;
        let ty = program.own_type(owner)?;
        let prefix = program.type_decl(ty).annotations.iter().find_map(|annotation| {
            let read = crate::study::described_annotation(self.study, ty.file, annotation)?.1.reads?;
            let call = ValueRef { file: ty.file, expr: annotation.expr };
            let key = [read.key, Slot::Arg(0)].iter().flat_map(|slot| self.study.slot(call, *slot)).next()?;
            match program.expr_kind(key) {
                ExprKind::Str(text) => Some((read.from, text.to_string())),
                _ => None,
            }
        });
        if let Some((from, prefix)) = prefix {
            return Some(Text(vec![named(from, &format!("{prefix}.{name}"), None)]));
        }
        let described = program.supertypes(owner).iter().find_map(|ty| program.knowledge.ty(*ty)?.1.fields_from)?;
        let default = program.all_writes(owner, name).first().and_then(|(value, _)| match program.expr_kind(*value) {
            ExprKind::Str(text) => Some(text.to_string()),
            _ => None,
        });
        Some(Text(vec![named(described, &name.to_ascii_uppercase(), default)]))
    }

    /// The setting that a container puts into a field or parameter.
    pub(super) fn injected(&self, annotations: &[(u32, crate::ir::Annotation)]) -> Option<Text> {
        annotations.iter().find_map(|(file, annotation)| {
            let described = crate::study::described_annotation(self.study, *file, annotation)?;
            let read = described.1.reads?;
            let call = ValueRef { file: *file, expr: annotation.expr };
            let key = self.study.slot(call, read.key).first().copied()?;
            let ExprKind::Str(text) = self.study.program.expr_kind(key) else { return None };
            let default = self.study.slot(call, read.default).first().map(|value| self.study.program.expr_kind(*value));
            let default = match default {
                Some(ExprKind::Str(text)) => Some(text.to_string()),
                _ => None,
            };
            Some(if text.contains("${") { Text::written(text) } else { Text(vec![named(read.from, text, default)]) })
        })
    }
}
