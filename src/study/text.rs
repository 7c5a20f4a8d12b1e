//! What text a value is: literals, settings and what is put together of them.

use super::Study;
use crate::facts::{Named, Piece, Text};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{SettingSource, Slot};
use crate::link::flow::DefKind;
use crate::link::{Calls, FuncRef, Origin, Step, ValueRef};
use ustr::Ustr;

/// Most texts that one value may be.
const MAX_TEXTS: usize = 8;
/// Most values that are looked at for the texts of one.
const MAX_VALUES: u32 = 400;
/// How deep a text may be put together.
const MAX_DEPTH: u32 = 24;

/// One search for the texts of a value.
struct Reader<'s, 'a> {
    study: &'s Study<'a>,
    left: u32,
}

impl Study<'_> {
    /// The texts that a value may be, at most eight: one that is unknown for each way on which nothing is known.
    pub fn texts(&self, value: ValueRef) -> Vec<Text> {
        self.texts_along(value, &Calls::new())
    }

    /// The texts that a value may be in a function that was entered by these calls.
    pub fn texts_along(&self, value: ValueRef, calls: &Calls) -> Vec<Text> {
        let mut reader = Reader { study: self, left: MAX_VALUES };
        let mut out = reader.texts(value, calls, 0);
        out.sort();
        out.dedup();
        out
    }
}

impl Reader<'_, '_> {
    fn texts(&mut self, value: ValueRef, calls: &Calls, depth: u32) -> Vec<Text> {
        if depth > MAX_DEPTH || self.left == 0 {
            return vec![Text::unknown()];
        }
        self.left -= 1;
        let program = self.study.program;
        let at = |expr| ValueRef { file: value.file, expr };
        match program.expr_kind(value) {
            ExprKind::Str(text) => vec![Text::written(text)],
            ExprKind::Lit(text) if text.starts_with(|c: char| c.is_ascii_digit()) => vec![Text::literal(text)],
            ExprKind::Binary { op, left, right } if *op == "+" => self.joined(&[at(*left), at(*right)], calls, depth),
            ExprKind::Binary { op, left, .. } if *op == "%" => self.texts(at(*left), calls, depth + 1),
            ExprKind::Unknown(parts) if program.language == Language::Python && !parts.is_empty() => {
                let parts: Vec<ValueRef> = parts.iter().map(|part| at(*part)).collect();
                self.joined(&parts, calls, depth)
            }
            ExprKind::Index { base, index: Some(key) } => self.indexed(at(*base), at(*key), calls, depth),
            ExprKind::Closure(_) => vec![Text::unknown()],
            _ => self.step(value, calls, depth),
        }
    }

    /// The texts of what an index reads: a setting, unless the program itself writes it.
    fn indexed(&mut self, base: ValueRef, key: ValueRef, calls: &Calls, depth: u32) -> Vec<Text> {
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

    /// The texts of several values one behind the other.
    fn joined(&mut self, parts: &[ValueRef], calls: &Calls, depth: u32) -> Vec<Text> {
        let mut out = vec![Text::default()];
        for part in parts.iter().take(8) {
            let texts = self.texts(*part, calls, depth + 1);
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

    fn step(&mut self, value: ValueRef, calls: &Calls, depth: u32) -> Vec<Text> {
        let program = self.study.program;
        let reaching = program.reaching(value);
        if reaching.len() > 1 && matches!(program.expr_kind(value), ExprKind::Name(_)) {
            let defs = reaching.iter().filter(|def| !matches!(program.def(value.file, **def).kind, DefKind::Declared));
            let steps: Vec<Step> = defs.map(|def| program.step_def(value.file, *def)).collect();
            return self.any(steps, |reader, step| reader.follow(step, calls, depth));
        }
        match (program.step(value), program.expr_kind(value)) {
            (Step::Unknown, ExprKind::Member { base, name, .. }) => {
                let base = ValueRef { file: value.file, expr: *base };
                self.declared(base, *name, calls, depth)
            }
            (Step::Field(owner, name), _) => match program.own_writes(value, owner, name, calls) {
                Some(own) => self.any(own, |reader, (value, calls)| reader.texts(value, &calls, depth + 1)),
                None => self.field(owner, name, depth),
            },
            (step, _) => self.follow(step, calls, depth),
        }
    }

    /// The texts of a member of something whose type is not declared: the field of what is made, or, of what a call
    /// declares, its name, as of a queue.
    fn declared(&mut self, base: ValueRef, name: Ustr, calls: &Calls, depth: u32) -> Vec<Text> {
        let program = self.study.program;
        match program.step(base) {
            Step::Call(call, 0) if self.study.fact(call).is_some_and(|fact| !fact.effect.channel.is_empty()) => {
                self.call(call, calls, depth)
            }
            _ => {
                let owners = self.made_of(base);
                self.any(owners, |reader, owner| reader.field(owner, name, depth + 1))
            }
        }
    }

    /// The program's own types that a value is made of, where all that it may be are seen to be made.
    fn made_of(&self, value: ValueRef) -> Vec<Ustr> {
        let program = self.study.program;
        let made = |origin: Origin| match origin {
            Origin::Call(call, 0) => program.callee(call).constructs.filter(|ty| program.own_type(*ty).is_some()),
            _ => None,
        };
        let owners: Option<Vec<Ustr>> = program.origins(value, true).into_iter().take(MAX_TEXTS).map(made).collect();
        let mut owners = owners.unwrap_or_default();
        owners.sort();
        owners.dedup();
        owners
    }

    fn follow(&mut self, step: Step, calls: &Calls, depth: u32) -> Vec<Text> {
        match step {
            Step::Values(values) => self.any(values, |reader, value| reader.texts(value, calls, depth + 1)),
            Step::Literal(value) => match self.study.program.expr_kind(value) {
                ExprKind::Str(text) => vec![Text::written(text)],
                _ => self.described_literal(value, calls, depth),
            },
            Step::Call(call, 0) => self.call(call, calls, depth),
            Step::Param(function, n) => self.param(function, n, calls, depth),
            Step::Field(owner, name) => self.field(owner, name, depth),
            Step::Call(..) | Step::Part(_) | Step::Unknown => vec![Text::unknown()],
        }
    }

    /// The address or name that an object of a library is made with.
    fn described_literal(&mut self, value: ValueRef, calls: &Calls, depth: u32) -> Vec<Text> {
        let Some(effect) = self.study.fact(value).map(|fact| fact.effect) else { return vec![Text::unknown()] };
        let slots = effect.address.iter().chain(&effect.channel);
        let values: Vec<ValueRef> = slots.flat_map(|slot| self.study.program.slot(value, *slot)).collect();
        self.any(values, |reader, value| reader.texts(value, calls, depth + 1))
    }

    /// The texts of all of these, without doubles.
    fn any<T>(&mut self, all: impl IntoIterator<Item = T>, each: impl Fn(&mut Self, T) -> Vec<Text>) -> Vec<Text> {
        let mut out: Vec<Text> = Vec::new();
        for one in all {
            for text in each(self, one) {
                if !out.contains(&text) && out.len() < MAX_TEXTS {
                    out.push(text);
                }
            }
        }
        if out.is_empty() { vec![Text::unknown()] } else { out }
    }

    fn param(&mut self, function: FuncRef, n: u16, calls: &Calls, depth: u32) -> Vec<Text> {
        let program = self.study.program;
        if let Some(from) = self.injected(&self.annotations_of_param(function, n)) {
            return vec![from];
        }
        if let Some((value, outer)) = program.given(calls, function, n) {
            return self.texts(value, &outer, depth + 1);
        }
        let default = program.function(function).params.get(n as usize).and_then(|param| param.default);
        let mut values = program.arguments(function, n);
        if values.is_empty() {
            values.extend(default.map(|expr| ValueRef { file: function.file, expr }));
        }
        self.any(values, |reader, value| reader.texts(value, &Calls::new(), depth + 1))
    }

    fn field(&mut self, owner: Ustr, name: Ustr, depth: u32) -> Vec<Text> {
        let program = self.study.program;
        if let Some(from) = self.injected(&self.annotations_of_field(owner, name)) {
            return vec![from];
        }
        if let Some(from) = self.field_setting(owner, name) {
            return vec![from];
        }
        let writes = program.all_writes(owner, name);
        self.any(writes, |reader, (value, index)| match index {
            None | Some(0) => reader.written_value(value, (owner, name), depth),
            Some(_) => vec![Text::unknown()],
        })
    }

    /// The texts of a value that is written to a field: through a pointer that callers give, those of the callers that
    /// give this field's address.
    fn written_value(&mut self, value: ValueRef, field: (Ustr, Ustr), depth: u32) -> Vec<Text> {
        let program = self.study.program;
        let flow = &program.files[value.file as usize].flow;
        let pointed = flow.writes_from(value.expr).find_map(|write| {
            let target = ValueRef { file: value.file, expr: write.target };
            match program.expr_kind(target) {
                ExprKind::Unary { op, operand } if *op == "*" => {
                    match program.step(ValueRef { expr: *operand, ..target }) {
                        Step::Param(function, n) => Some((function, n)),
                        _ => None,
                    }
                }
                _ => None,
            }
        });
        let Some((function, n)) = pointed else { return self.texts(value, &Calls::new(), depth + 1) };
        let gives = |call: &ValueRef| {
            let given = program.argument(*call, function, n)?;
            let ExprKind::Unary { operand, .. } = program.expr_kind(given) else { return None };
            (program.step(ValueRef { expr: *operand, ..given }) == Step::Field(field.0, field.1)).then_some(*call)
        };
        let from: Vec<ValueRef> = program.callers(function).iter().filter_map(gives).collect();
        self.any(from, |reader, call| reader.texts(value, &Calls::from_slice(&[call]), depth + 1))
    }

    fn call(&mut self, call: ValueRef, calls: &Calls, depth: u32) -> Vec<Text> {
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
    fn of_string(&mut self, call: ValueRef, calls: &Calls, depth: u32) -> Option<Vec<Text>> {
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
    fn formatted(&mut self, call: ValueRef, slot: Slot, calls: &Calls, depth: u32) -> Vec<Text> {
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

    /// A setting by the texts that its name may be.
    fn setting(
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
    fn kept(&mut self, file: u32, name: &str, default: &Option<String>, depth: u32) -> Vec<Text> {
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

    fn annotations_of_param(&self, function: FuncRef, n: u16) -> Vec<(u32, crate::ir::Annotation)> {
        let params = &self.study.program.function(function).params;
        let found = params.get(n as usize).map(|param| param.annotations.clone()).unwrap_or_default();
        found.into_iter().map(|annotation| (function.file, annotation)).collect()
    }

    fn annotations_of_field(&self, owner: Ustr, name: Ustr) -> Vec<(u32, crate::ir::Annotation)> {
        let Some(ty) = self.study.program.own_type(owner) else { return Vec::new() };
        let fields = &self.study.program.type_decl(ty).fields;
        let found = fields.iter().find(|field| field.name == name).map(|field| field.annotations.clone());
        found.unwrap_or_default().into_iter().map(|annotation| (ty.file, annotation)).collect()
    }

    /// The setting that a type whose fields are settings has in this field.
    fn field_setting(&self, owner: Ustr, name: Ustr) -> Option<Text> {
        let program = self.study.program;
        let ty = program.own_type(owner)?;
        let prefix = program.type_decl(ty).annotations.iter().find_map(|annotation| {
            let read = super::described_annotation(self.study, ty.file, annotation)?.1.reads?;
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
    fn injected(&self, annotations: &[(u32, crate::ir::Annotation)]) -> Option<Text> {
        annotations.iter().find_map(|(file, annotation)| {
            let described = super::described_annotation(self.study, *file, annotation)?;
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

fn named(from: SettingSource, name: &str, default: Option<String>) -> Piece {
    let named = Named { name: name.to_owned(), default };
    match from {
        SettingSource::Environment => Piece::Variable(named),
        SettingSource::Application => Piece::Setting(named),
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
