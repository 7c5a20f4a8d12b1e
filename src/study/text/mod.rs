//! What text a value is: literals, settings and what is put together of them.

mod calls;
mod entries;
mod settings;

use super::Study;
use crate::facts::{Named, Piece, Text};
use crate::ir::{ExprKind, Language};
use crate::knowledge::SettingSource;
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
}

fn named(from: SettingSource, name: &str, default: Option<String>) -> Piece {
    let named = Named { name: name.to_owned(), default };
    match from {
        SettingSource::Environment => Piece::Variable(named),
        SettingSource::Application => Piece::Setting(named),
    }
}
