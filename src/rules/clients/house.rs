//! Whether what a client asks is one of the house: a service that goes on with a trace, as the caller does.
//!
//! A client without tracing breaks a trace only where somebody behind it would have gone on with it. Most plain clients ask
//! what nobody here runs: a vendor's interface, a customer's webhook, a database's management. So a finding wants a sign:
//! the name of a service of the tree, a host that only resolves inside, a word that names the other end a service. Where
//! deployment files say what the address is, that decides.

use super::brought::addresses;
use super::stored::tag_of;
use super::told::{Whose, whose, whose_variable};
use super::{back, strangers, words};
use crate::facts::{Named, Piece, Text};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{
    Slot, TypeRole, ends_inside, is_address_word, is_common_word, is_house_word, names_identity_document,
};
use crate::link::{FileUnit, FuncRef, Step, ValueRef, owner_of};
use crate::study::{Study, stub_named};
use rustc_hash::FxHashSet;

/// The shortest name of a service that is looked for.
const MIN_NAME: usize = 4;

/// Whether a sign says that a call asks a service of the house.
pub(super) fn is_asked(study: &Study<'_>, call: ValueRef) -> bool {
    asked(study, call) == Some(Whose::House)
}

/// Whose service a call asks, where a sign says so.
pub(super) fn asked(study: &Study<'_>, call: ValueRef) -> Option<Whose> {
    let made = study.fact(call).map(|fact| fact.effect);
    let is_remote_call = made.is_some_and(|effect| effect.makes == Some(TypeRole::RpcChannel));
    let names = FxHashSet::default();
    let function = study.program.function_at(call);
    let mut search = Search { study, function, names, is_inside: false, is_strange: false, is_remote_call };
    let addresses = addresses(study, call);
    for address in &addresses {
        let settings = &study.unit(call.file).settings;
        let url = |name: &str| settings.value(name).filter(|value| value.contains("://"));
        let told_by_settings = |text: Text| text.told(&url);
        let texts: Vec<Text> = study.texts(*address).into_iter().map(told_by_settings).collect();
        let told: Vec<Option<Whose>> = texts.iter().map(|text| whose(study, call.file, text)).collect();
        // What the values say goes before what names do.
        if !told.is_empty() && told.iter().all(|one| *one == Some(Whose::Stranger)) {
            return Some(Whose::Stranger);
        }
        texts.iter().zip(told).for_each(|(text, told)| search.note_text(text, told));
    }
    if addresses.is_empty() {
        search.read_function(call);
    }
    let from = if addresses.is_empty() { study.slot(call, Slot::AnyArg) } else { addresses };
    back::walk(from, |value| search.visit(value));
    if search.is_strange {
        return Some(Whose::Stranger);
    }
    (search.is_inside || names_service(study, call.file, &search.names)).then_some(Whose::House)
}

/// Whether a remote call goes through a stub of a service that the tree serves, or that comes from the same owner's modules.
/// Outside of Go all stubs count.
pub(super) fn is_called(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    if study.language() != Language::Go {
        return true;
    }
    let Some(ty) = program.receiver(call).and_then(|stub| program.type_of(stub)) else { return false };
    let Some((package, name)) = ty.rsplit_once('.') else { return false };
    let mut letters = name.chars();
    let maker = letters.next().map(|first| format!("New{}{}", first.to_uppercase(), letters.as_str()));
    let service = maker.and_then(|maker| stub_named(study, &maker, |names| &names.clients));
    let is_ours = |file: &FileUnit<'_>| owner_of(&file.module).is_some_and(|own| owner_of(package) == Some(own));
    let is_own = program.own_type(ty).is_some();
    let is_served = service.and_then(|service| study.serves_calls_of(&service));
    is_served.unwrap_or_else(|| !is_own && program.files.get(call.file as usize).is_some_and(is_ours))
}

/// Whether some words name a service of the tree that the file is no part of.
fn names_service(study: &Study<'_>, file: u32, words: &FxHashSet<String>) -> bool {
    let own: FxHashSet<String> = words::split_words(&study.unit(file).name).collect();
    study.names_of_other_services(file).any(|name| {
        let parts: Vec<String> = words::split_words(&name).collect();
        let is_telling =
            |part: &&String| part.len() >= MIN_NAME && !is_common_word(part) && !own.contains(part.as_str());
        let mut telling = parts.iter().filter(is_telling).peekable();
        telling.peek().is_some() && telling.all(|part| words.contains(part))
    })
}

/// A walk from an address back to what it is made of, noting the words of all names on the way.
struct Search<'s, 'a> {
    study: &'s Study<'a>,
    /// The function of the call.
    function: FuncRef,
    names: FxHashSet<String>,
    /// A host is one that only resolves inside.
    is_inside: bool,
    /// It is a stranger's address by the value of a variable, or that of an identity provider's document.
    is_strange: bool,
    /// It is the address of a remote call, which needs no scheme.
    is_remote_call: bool,
}

impl Search<'_, '_> {
    /// Notes the words of a name that is one of an address; it may say that it is a service's (`USER_SERVICE_URL`,
    /// `downstreamAddr`).
    fn note(&mut self, name: &str) {
        let words: Vec<String> = words::split_words(name).collect();
        if words.iter().any(|word| is_address_word(word)) {
            self.is_inside |= words.iter().any(|word| is_house_word(word));
            self.names.extend(words);
        }
    }

    /// Notes a name or text of the call's own function by which an identity provider's document is asked for. What helpers
    /// speak of, others may be asked for by them as well.
    fn note_document(&mut self, value: ValueRef, text: &str) {
        let is_own = || self.study.program.function_covering(value) == self.function;
        self.is_strange |= names_identity_document(text) && is_own();
    }

    /// Notes what one text of the address is made of, and whose the values are that it stands for.
    fn note_text(&mut self, text: &Text, told: Option<Whose>) {
        self.is_inside |= told == Some(Whose::House);
        self.is_strange |= text.0.iter().any(is_identity_document);
        for piece in text.0.iter().filter(|_| told != Some(Whose::Stranger)) {
            match piece {
                Piece::Variable(named) => self.note_variable(named),
                Piece::Setting(named) => self.note_setting(named),
                Piece::Literal(text) => self.read(text),
                Piece::Unknown => {}
            }
        }
    }

    /// Notes an environment variable: one that is named as an address (`EMAIL_ADDR`) is how a deployment tells its services of
    /// each other.
    fn note_variable(&mut self, named: &Named) {
        self.note_setting(named);
        let is_address = words::split_words(&named.name).any(|word| is_address_word(&word));
        self.is_inside |= is_address && !words::names_store(&named.name);
    }

    /// Notes the name of a setting, and what it is where nobody sets it; all of them may be about addresses.
    fn note_setting(&mut self, named: &Named) {
        let words: Vec<String> = words::split_words(&named.name).collect();
        self.is_inside |= words.iter().any(|word| is_house_word(word));
        self.names.extend(words);
        named.default.iter().for_each(|text| self.read(text));
    }

    /// Reads the host of a text: a name without dots resolves inside alone, as do some endings; so does one that is named
    /// after a unit of the tree.
    fn read(&mut self, text: &str) {
        let rest = match text.split_once("://") {
            Some(("http" | "https", rest)) => rest,
            // `dns:///orders:9000`
            Some((_, rest)) if self.is_remote_call => rest.trim_start_matches('/'),
            None if self.is_remote_call && text.contains(':') => text,
            _ => return,
        };
        let end = rest.find(['/', ':', '?', '{', '%']).unwrap_or(rest.len());
        let (host, behind) = rest.split_at(end);
        let is_whole = host.starts_with(|c: char| c.is_ascii_alphabetic()) && !behind.starts_with(['{', '%']);
        let is_here = host == "localhost" && !self.is_remote_call;
        let is_inner = || !host.contains('.') && !words::names_store(host) || ends_inside(host);
        self.is_inside |= is_whole && !is_here && is_inner();
        self.is_inside |= is_whole && strangers::is_named_after_unit(self.study, host);
        self.names.extend(words::split_words(host));
    }

    /// Notes the names and hosts of a value, and answers with the values behind it.
    fn visit(&mut self, value: ValueRef) -> Vec<ValueRef> {
        let program = self.study.program;
        let at = |expr| ValueRef { expr, ..value };
        match program.expr_kind(value) {
            ExprKind::Str(text) => {
                self.note_document(value, text);
                self.read(text);
                Vec::new()
            }
            ExprKind::Name(name) => {
                self.note_document(value, name);
                self.note(name);
                self.follow(value)
            }
            ExprKind::Member { name, .. } => {
                self.note_document(value, name);
                self.note(&path_of(self.study, value));
                self.follow(value)
            }
            ExprKind::Binary { left, right, .. } => vec![at(*left), at(*right)],
            ExprKind::Unknown(parts) => parts.iter().map(|part| at(*part)).collect(),
            ExprKind::Index { base, .. } => vec![at(*base)],
            ExprKind::Call { .. } => {
                let functions = &program.callee(value).functions;
                let few = &functions[..functions.len().min(strangers::MAX_CALLEES)];
                let given = self.study.slot(value, Slot::AnyArg).into_iter().chain(program.receiver(value));
                given.chain(program.first_results(few)).collect()
            }
            ExprKind::Composite { fields, .. } => fields.iter().map(|field| at(field.value)).collect(),
            ExprKind::Unary { operand, .. } => vec![at(*operand)],
            _ => self.follow(value),
        }
    }

    /// Notes the names and hosts in the function of a call whose address is put into its request out of sight.
    fn read_function(&mut self, call: ValueRef) {
        let program = self.study.program;
        let function = program.function(program.outermost(program.function_at(call)));
        let Some(file) = program.files.get(call.file as usize) else { return };
        let inside = file.source.facts.exprs.iter().filter(|expr| function.span.contains(expr.span));
        inside.for_each(|expr| match &expr.kind {
            ExprKind::Name(name) | ExprKind::Member { name, .. } => self.note(name),
            ExprKind::Str(text) => {
                self.is_strange |= names_identity_document(text);
                self.read(text);
            }
            _ => {}
        });
    }

    /// Notes whose the address is in a variable that a field's tag names: `env:"MAIL_URL,required"`.
    fn note_tag(&mut self, file: u32, tag: &str) {
        let mut names = tag.split(['"', ',', ' ']);
        match names.find_map(|name| whose_variable(self.study, file, name)) {
            Some(Whose::House) => self.is_inside = true,
            Some(Whose::Stranger) => self.is_strange = true,
            None => {}
        }
    }

    /// Goes one step back; a field's tag may name a host, too.
    fn follow(&mut self, value: ValueRef) -> Vec<ValueRef> {
        let step = self.study.program.step(value);
        if let Step::Field(owner, name) = step
            && let Some(tag) = tag_of(self.study, owner, name)
        {
            tag.split('"').for_each(|text| self.read(text));
            self.note_tag(value.file, &tag);
        }
        back::behind(self.study.program, step)
    }
}

/// Whether a piece of an address says that it is an identity provider's document.
fn is_identity_document(piece: &Piece) -> bool {
    match piece {
        Piece::Variable(named) | Piece::Setting(named) => names_identity_document(&named.name),
        Piece::Literal(text) => names_identity_document(text),
        Piece::Unknown => false,
    }
}

/// The names that a path of members is written with, as one: `cfg_Accounting_Host`.
fn path_of(study: &Study<'_>, value: ValueRef) -> String {
    let mut out = String::new();
    let mut at = value;
    loop {
        let (name, base) = match study.program.expr_kind(at) {
            ExprKind::Member { base, name, .. } => (name, Some(*base)),
            ExprKind::Name(name) => (name, None),
            _ => return out,
        };
        out = if out.is_empty() { name.to_string() } else { format!("{name}_{out}") };
        match base {
            Some(base) => at = ValueRef { expr: base, ..at },
            None => return out,
        }
    }
}
