//! Addresses that are part of the data a service works on: a field of a message or of a row says whose service is called.
//! No code tells whether that one goes on with a trace.

use super::back;
use super::brought::addresses;
use crate::ir::{ExprKind, Language};
use crate::knowledge::{Slot, is_data_key, is_setting_key, names_settings};
use crate::link::{Step, ValueRef};
use crate::study::Study;
use ustr::Ustr;

/// Whether a call goes to an address that lies in data, as far as all that it may be is seen.
pub(super) fn goes_where_data_says(study: &Study<'_>, call: ValueRef) -> bool {
    if study.language() != Language::Go {
        return false;
    }
    let mut search = Search { study, lies_in_data: false, is_of_house: false };
    back::walk(addresses(study, call), |value| search.visit(value));
    search.lies_in_data && !search.is_of_house
}

/// A walk from an address back to what its host may be.
struct Search<'s, 'a> {
    study: &'s Study<'a>,
    /// A host is read from data.
    lies_in_data: bool,
    /// A host is one that the code or a setting names.
    is_of_house: bool,
}

impl Search<'_, '_> {
    /// Takes note of what a value says of the host, and answers with the values behind it that may say more.
    fn visit(&mut self, value: ValueRef) -> Vec<ValueRef> {
        let program = self.study.program;
        let at = |expr| ValueRef { expr, ..value };
        match program.expr_kind(value) {
            ExprKind::Str(text) => self.read(text),
            ExprKind::Binary { op, left, right } if *op == "+" => {
                return vec![at(if is_scheme(self.study, at(*left)) { *right } else { *left })];
            }
            ExprKind::Index { base, .. } => return vec![at(*base)],
            _ => match program.step(value) {
                Step::Literal(found) => return self.literal(found),
                Step::Call(call, 0) => return self.call(call),
                Step::Call(..) => {}
                Step::Field(owner, name) => return self.field(owner, name),
                step => return back::behind(program, step),
            },
        }
        Vec::new()
    }

    /// A text names a host, or is what stands behind one.
    fn read(&mut self, text: &str) {
        let rest = text.split_once("://").map(|(_, rest)| rest);
        self.is_of_house |= rest.is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
        self.is_of_house |= text == "localhost" || text.starts_with("127.0.0.1");
    }

    fn literal(&mut self, value: ValueRef) -> Vec<ValueRef> {
        let program = self.study.program;
        let at = |expr| ValueRef { expr, ..value };
        match program.expr_kind(value) {
            ExprKind::Str(text) => self.read(text),
            // `url.URL{Host: host, …}`
            ExprKind::Composite { fields, .. } => {
                let named = |key| matches!(program.expr_kind(at(key)), ExprKind::Name(name) if *name == "Host");
                let hosts = fields.iter().filter(|field| field.key.is_some_and(named));
                return hosts.map(|field| at(field.value)).collect();
            }
            _ => {}
        }
        Vec::new()
    }

    fn field(&mut self, owner: Ustr, name: Ustr) -> Vec<ValueRef> {
        match self.kind_of(owner, name) {
            Some(Kind::Data) => self.lies_in_data = true,
            Some(Kind::Setting) => self.is_of_house = true,
            None => {
                let writes = self.study.program.all_writes(owner, name).into_iter();
                return writes.filter(|(_, index)| index.unwrap_or(0) == 0).map(|(next, _)| next).collect();
            }
        }
        Vec::new()
    }

    /// What a field of an own type is for, by its tag.
    fn kind_of(&self, owner: Ustr, name: Ustr) -> Option<Kind> {
        let program = self.study.program;
        let tag = tag_of(self.study, owner, name)?;
        let keys: Vec<&str> = keys(&tag).collect();
        let is_setting = keys.iter().any(|key| is_setting_key(key))
            || program.own_type(owner).is_some_and(|ty| names_settings(&program.type_decl(ty).name));
        match is_setting {
            true => Some(Kind::Setting),
            false => keys.iter().any(|key| is_data_key(key)).then_some(Kind::Data),
        }
    }

    fn call(&mut self, call: ValueRef) -> Vec<ValueRef> {
        let program = self.study.program;
        let callee = program.callee(call);
        let effect = callee.name.and_then(|name| program.described(name)).map(|(_, effect)| effect);
        if effect.is_some_and(|effect| effect.reads.is_some()) {
            self.is_of_house = true;
            return Vec::new();
        }
        if let Some(format) = effect.and_then(|effect| effect.formats) {
            return self.formatted(call, format).into_iter().collect();
        }
        if let Some(value) = program.converted(call) {
            return vec![value];
        }
        let mut next: Vec<ValueRef> = effect
            .into_iter()
            .flat_map(|effect| effect.address.iter().copied().chain(effect.derives))
            .flat_map(|slot| self.study.slot(call, slot))
            .collect();
        next.extend(program.first_results(&callee.functions));
        if next.is_empty() {
            // `strings.TrimRight(address, "/")`, `address.JoinPath(path)`
            next.extend(self.study.slot(call, Slot::Arg(0)));
            next.extend(program.receiver(call));
        }
        next
    }

    /// The host of a format: what stands in it, or the first argument behind the scheme.
    fn formatted(&mut self, call: ValueRef, format: Slot) -> Option<ValueRef> {
        let format = self.study.slot(call, format).first().copied()?;
        let ExprKind::Str(text) = self.study.program.expr_kind(format) else { return None };
        let given = self.study.slot(call, Slot::AnyArg);
        let first = given.iter().position(|value| *value == format).map_or(0, |at| at + 1);
        let (before, host) = text.split_once("://").unwrap_or(("", text));
        if host.starts_with('%') {
            let skipped = usize::from(before.starts_with('%'));
            return given.get(first + skipped).copied();
        }
        self.read(text);
        None
    }
}

/// The tag of a field of an own Go type: `json:"url" env:"SHOP_URL"`.
pub(in crate::rules) fn tag_of(study: &Study<'_>, owner: Ustr, name: Ustr) -> Option<String> {
    let program = study.program;
    let ty = program.own_type(owner)?;
    let field = program.type_decl(ty).fields.iter().find(|field| field.name == name)?;
    let text = study.file_text(program.files.get(ty.file as usize)?.source.path)?;
    let line = text.get(field.span.start as usize..)?.lines().next()?;
    let (_, tag) = line.split_once('`')?;
    tag.split('`').next().map(str::to_owned)
}

/// What a field is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Setting,
}

/// The keys of a struct tag: `json:"url" yaml:"url"`.
fn keys(tag: &str) -> impl Iterator<Item = &str> {
    tag.split('"').step_by(2).filter_map(|part| part.trim().strip_suffix(':'))
}

/// Whether a text is an address up to its host: `"https://" + host`.
fn is_scheme(study: &Study<'_>, value: ValueRef) -> bool {
    matches!(study.program.expr_kind(value), ExprKind::Str(text) if text.ends_with("://") || text == "http" || text == "https")
}

#[cfg(test)]
mod tests {
    use super::keys;

    #[test]
    fn tags_have_keys() {
        assert_eq!(keys(r#"json:"url,omitempty" db:"type:text""#).collect::<Vec<_>>(), ["json", "db"]);
        assert_eq!(keys("").count(), 0);
    }
}
