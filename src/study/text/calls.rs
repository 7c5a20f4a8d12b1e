//! The texts that calls give: formats, methods of strings, own functions.

use super::{MAX_TEXTS, Reader};
use crate::facts::Text;
use crate::ir::{ExprKind, Language};
use crate::knowledge::Slot;
use crate::link::{Calls, ValueRef};

impl Reader<'_, '_> {
    pub(super) fn call(&mut self, call: ValueRef, calls: &Calls, depth: u32) -> Vec<Text> {
        let program = self.study.program;
        let callee = program.callee(call);
        if let Some((_, effect)) = callee.name.and_then(|name| program.described(name)) {
            if let Some(read) = effect.reads {
                let default = self.study.slot(call, read.default).first().copied();
                let key = self.study.slot(call, read.key).first().copied();
                return key
                    .map_or_else(|| vec![Text::unknown()], |key| self.setting(read.from, key, default, calls, depth));
            }
            if let Some(slot) = effect.formats {
                return self.formatted(call, slot, calls, depth);
            }
            return match effect.derives {
                Some(slot) => {
                    let values = program.slot(call, slot);
                    self.any(values, |reader, value| reader.texts(value, calls, depth + 1))
                }
                None => {
                    let slots = effect.address.iter().chain(&effect.channel);
                    let values: Vec<ValueRef> = slots.flat_map(|slot| program.slot(call, *slot)).collect();
                    self.any(values, |reader, value| reader.texts(value, calls, depth + 1))
                }
            };
        }
        if let Some(value) = program.converted(call) {
            return self.texts(value, calls, depth + 1);
        }
        if let Some(texts) = self.of_string(call, calls, depth) {
            return texts;
        }
        let mut inner = calls.clone();
        inner.push(call);
        let returned: Vec<ValueRef> = program.first_results(&callee.functions).take(MAX_TEXTS).collect();
        self.any(returned, |reader, value| reader.texts(value, &inner, depth + 1))
    }

    /// What a method of the language's own strings makes of one.
    pub(super) fn of_string(&mut self, call: ValueRef, calls: &Calls, depth: u32) -> Option<Vec<Text>> {
        let program = self.study.program;
        let ExprKind::Call { callee, .. } = program.expr_kind(call) else { return None };
        let ExprKind::Member { base, name, .. } = program.expr_kind(ValueRef { expr: *callee, ..call }) else {
            return None;
        };
        let base = ValueRef { expr: *base, ..call };
        match (program.language, name.as_str()) {
            (Language::Python, "format") | (Language::Java, "formatted") => {
                matches!(program.expr_kind(base), ExprKind::Str(_))
                    .then(|| self.formatted(call, Slot::Receiver, calls, depth))
            }
            (Language::Python, "get") => {
                let effect = self.study.reading(base)?;
                let key = program.slot(call, Slot::Arg(0)).first().copied()?;
                Some(self.setting(effect.from, key, program.slot(call, Slot::Arg(1)).first().copied(), calls, depth))
            }
            (Language::Python, "strip" | "rstrip") | (Language::Java, "trim" | "strip") => {
                program.callee(call).functions.is_empty().then(|| self.texts(base, calls, depth + 1))
            }
            _ => None,
        }
    }

    /// A format with the arguments behind it put in.
    pub(super) fn formatted(&mut self, call: ValueRef, slot: Slot, calls: &Calls, depth: u32) -> Vec<Text> {
        let program = self.study.program;
        let Some(format) = program.slot(call, slot).first().copied() else { return vec![Text::unknown()] };
        let ExprKind::Str(text) = program.expr_kind(format) else { return vec![Text::unknown()] };
        let all = program.slot(call, Slot::AnyArg);
        let behind = all.iter().position(|value| *value == format).map_or(0, |at| at + 1);
        let mut arguments = all.iter().skip(behind);
        let mut out = vec![Text::default()];
        for part in split_format(text) {
            let texts = match part {
                Some(literal) => vec![Text::literal(literal)],
                None => match arguments.next() {
                    Some(value) => self.texts(*value, calls, depth + 1),
                    None => vec![Text::unknown()],
                },
            };
            let each = out.iter().flat_map(|start| {
                texts.iter().map(move |text| {
                    let mut whole = start.clone();
                    whole.push(text);
                    whole
                })
            });
            out = each.take(MAX_TEXTS).collect();
        }
        out
    }
}

/// The parts of a format: what stands there, and `None` for each place of an argument (`%s`, `%d`, `{}`, `{name}`).
fn split_format(format: &str) -> Vec<Option<&str>> {
    let mut out = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find(['%', '{']) {
        let (before, place) = rest.split_at(at);
        if !before.is_empty() {
            out.push(Some(before));
        }
        let end = match place.as_bytes().first() {
            Some(b'{') => place.find('}').map_or(place.len(), |end| end + 1),
            _ => place.find(|c: char| c.is_ascii_alphabetic()).map_or(place.len(), |end| end + 1),
        };
        out.push(None);
        rest = place.get(end..).unwrap_or_default();
    }
    if !rest.is_empty() {
        out.push(Some(rest));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::split_format;

    #[test]
    fn formats_are_split_at_their_arguments() {
        assert_eq!(split_format("http://%s:%d/a"), [Some("http://"), None, Some(":"), None, Some("/a")]);
        assert_eq!(split_format("{}/{name}"), [None, Some("/"), None]);
        assert_eq!(split_format("%"), [None]);
    }
}
