//! How code is shown to people: its words, its names, and findings at it.

use super::Study;
use crate::finding::{Confidence, Finding, Place, Related};
use crate::ir::ExprKind;
use crate::link::{FuncRef, ValueRef};
use ustr::Ustr;

impl Study<'_> {
    /// The text of a value as written.
    pub fn raw_text(&self, value: ValueRef) -> Option<String> {
        let place = self.program.place(value);
        let text = (self.source)(place.path)?;
        text.get(place.span.start as usize..place.span.end as usize).map(str::to_owned)
    }

    /// The text of a file, read again.
    pub fn file_text(&self, path: Ustr) -> Option<String> {
        (self.source)(path)
    }

    /// The text of a value as written, on one line, at most 60 characters.
    pub fn text(&self, value: ValueRef) -> String {
        let raw = self.raw_text(value).unwrap_or_default();
        let mut line = raw.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() > 60 {
            line = line.chars().take(57).collect::<String>() + "…";
        }
        line
    }

    /// The text of a call's callee as written: `http.Get`, `self.session.post`.
    pub fn callee_text(&self, call: ValueRef) -> String {
        match self.program.expr_kind(call) {
            ExprKind::Call { callee, .. } => self.text(ValueRef { file: call.file, expr: *callee }),
            ExprKind::New { ty, .. } => format!("new {}", ty.name),
            ExprKind::Composite { ty: Some(ty), .. } => format!("{}{{…}}", ty.name),
            ExprKind::Zero(ty) => ty.name.to_string(),
            _ => self.text(call),
        }
    }

    /// The last part of the name that a call's callee is written with; `None` of what has no name.
    pub fn callee_name(&self, call: ValueRef) -> Option<Ustr> {
        let ExprKind::Call { callee, .. } = self.program.expr_kind(call) else { return None };
        match self.program.expr_kind(ValueRef { file: call.file, expr: *callee }) {
            ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(*name),
            _ => None,
        }
    }

    /// The name of the function for people: `Server.Checkout`, `checkout`, or `a function literal in …`.
    pub fn function_name(&self, function: FuncRef) -> String {
        let outer = self.program.outermost(function);
        let decl = self.program.function(outer);
        match (decl.owner_name.as_str(), decl.name.as_str()) {
            ("", "") => "this file's load-time code".to_owned(),
            ("", name) => name.to_owned(),
            (owner, name) => format!("{owner}.{name}"),
        }
    }

    /// A finding at a value, with the unit's name and the language filled in.
    pub fn finding(&self, rule: &'static str, value: ValueRef, confidence: Confidence) -> Finding {
        self.finding_at(rule, value.file, self.program.place(value), confidence)
    }

    /// A finding at a place of a file.
    pub fn finding_at(&self, rule: &'static str, file: u32, place: Place, confidence: Confidence) -> Finding {
        Finding {
            service: self.unit(file).name.clone(),
            language: Some(self.language()),
            ..Finding::new(rule, place, confidence)
        }
    }

    /// A related place.
    pub fn related(&self, value: ValueRef, message: impl Into<String>) -> Related {
        Related { place: self.program.place(value), message: message.into() }
    }
}
