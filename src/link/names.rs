//! What a name means: the qualified names of types, values and functions.
//!
//! Types are strings: a qualified name, with containers written as `[]T` (list, channel, iterator, optional, future) and
//! `map:T`. What cannot be resolved is `None`: unknown, never a guess.

use super::homes::plain;
use super::program::{Program, ValueRef};
use crate::ir::{ExprKind, Language, TypeRef};
use smallvec::SmallVec;
use ustr::Ustr;

/// Containers whose element a loop, index or await hands out.
const LISTS: &[&str] = &[
    "[]",
    "chan",
    "list",
    "List",
    "Sequence",
    "Iterable",
    "Iterator",
    "set",
    "Set",
    "tuple",
    "Collection",
    "java.util.List",
    "java.util.Set",
    "java.util.Collection",
    "java.util.Optional",
    "Optional",
    "AsyncIterator",
    "AsyncGenerator",
    "Generator",
    "Awaitable",
    "Coroutine",
    "ArrayList",
];

const MAPS: &[&str] = &["map", "dict", "Dict", "Mapping", "Map", "java.util.Map", "defaultdict"];

impl Program<'_> {
    /// The qualified name of a type as written in a file.
    pub fn type_ref(&self, file: u32, ty: &TypeRef) -> Ustr {
        let name = ty.name.as_str();
        if let Some(first) = ty.args.first() {
            let last = name.rsplit('.').next().unwrap_or(name);
            if LISTS.contains(&name) || LISTS.contains(&last) {
                return Ustr::from(&format!("[]{}", self.type_ref(file, first)));
            }
            if (MAPS.contains(&name) || MAPS.contains(&last)) && ty.args.len() > 1 {
                return Ustr::from(&format!("map:{}", self.type_ref(file, &ty.args[1])));
            }
        }
        self.qualify_type(file, ty.name).unwrap_or(ty.name)
    }

    fn qualify_type(&self, file: u32, name: Ustr) -> Option<Ustr> {
        if let Some(known) = self.names.qualified_types.borrow().get(&(file, name)) {
            return *known;
        }
        let found = self.find_type(file, name);
        self.names.qualified_types.borrow_mut().insert((file, name), found);
        found
    }

    fn find_type(&self, file: u32, name: Ustr) -> Option<Ustr> {
        let unit = &self.files[file as usize];
        let (first, rest) = name.split_once('.').map_or((name.as_str(), None), |(a, b)| (a, Some(b)));
        let first = Ustr::from(first);
        let join = |target: Ustr| match rest {
            Some(rest) => self.canonical(Ustr::from(&format!("{target}.{rest}"))),
            None => self.canonical(target),
        };
        if let Some(target) = unit.scope.get(first) {
            return Some(join(target));
        }
        let local = self.names.join(unit.module, name);
        if self.types.contains_key(&local) {
            return Some(local);
        }
        if self.language == Language::Java {
            // Nested types are named without their owner inside it.
            for ty in &unit.source.facts.types {
                let nested = Ustr::from_existing(&format!("{}.{}.{name}", unit.module, ty.name));
                if let Some(nested) = nested.filter(|nested| self.types.contains_key(nested)) {
                    return Some(nested);
                }
            }
        }
        let wildcard = unit.scope.wildcards().iter().map(|module| Ustr::from(&format!("{module}.{name}")));
        let described = |name: Ustr| match self.language {
            Language::Java => self.knowledge.speaks_of_class(name),
            Language::Go | Language::Python => self.knowledge.ty(name).is_some(),
        };
        let known = wildcard.into_iter().find(|name| self.types.contains_key(name) || described(*name));
        if known.is_some() || rest.is_some() {
            return known;
        }
        if self.language == Language::Java {
            let lang = Ustr::from(&format!("java.lang.{name}"));
            return self.knowledge.ty(lang).map(|_| lang);
        }
        None
    }

    /// Follows re-exports: the name under which a symbol is defined.
    pub fn canonical(&self, name: Ustr) -> Ustr {
        if self.language != Language::Python {
            return name;
        }
        let mut name = name;
        for _ in 0..6 {
            if self.functions.contains_key(&name) || self.types.contains_key(&name) || self.modules.contains_key(&name)
            {
                return name;
            }
            let mut at = name.len();
            let mut next = None;
            while let Some(dot) = name[..at].rfind('.') {
                at = dot;
                let Some(module) = Ustr::from_existing(&name[..dot]).and_then(|module| self.modules.get(&module))
                else {
                    continue;
                };
                let rest = &name[dot + 1..];
                let (head, tail) = rest.split_once('.').map_or((rest, None), |(a, b)| (a, Some(b)));
                let scope = &self.files[*module as usize].scope;
                if let Some(target) = scope.get(Ustr::from(head)) {
                    next = Some(tail.map_or(target, |tail| Ustr::from(&format!("{target}.{tail}"))));
                } else {
                    next = scope
                        .wildcards()
                        .iter()
                        .map(|module| Ustr::from(&format!("{module}.{rest}")))
                        .find(|name| self.functions.contains_key(name) || self.types.contains_key(name));
                }
                break;
            }
            match next {
                Some(next) if next != name => name = next,
                _ => return name,
            }
        }
        name
    }

    /// The qualified name of a chain of names that starts at an import, module or type; `None` for a value.
    pub fn qualify(&self, value: ValueRef) -> Option<Ustr> {
        self.qualify_raw(value).map(|name| self.canonical(name))
    }

    fn qualify_raw(&self, value: ValueRef) -> Option<Ustr> {
        let mut names: SmallVec<[Ustr; 6]> = SmallVec::new();
        let mut at = value;
        loop {
            match self.expr_kind(at) {
                ExprKind::Member { base, name, .. } if names.len() < 24 => {
                    names.push(*name);
                    at = ValueRef { file: at.file, expr: *base };
                }
                ExprKind::Index { base, .. } if names.is_empty() => at = ValueRef { file: at.file, expr: *base },
                ExprKind::Name(name) => {
                    let unit = &self.files[value.file as usize];
                    if unit.flow.is_local(at.expr) && !self.is_module_level(at) {
                        return None;
                    }
                    let here = || unit.scope.get_at(*name, self.function_at(at).id, self.expr(at).span.start);
                    let first = match here().or_else(|| self.qualify_name(value.file, *name)) {
                        Some(first) => first,
                        None => return self.written_in_full(*name, &names),
                    };
                    return Some(names.iter().rev().fold(first, |out, name| self.names.join(out, *name)));
                }
                ExprKind::Type(ty) => {
                    let first = self.type_ref(value.file, ty);
                    return Some(names.iter().rev().fold(first, |out, name| self.names.join(out, *name)));
                }
                _ => return None,
            }
        }
    }

    /// A chain of names, the last one first, that begins with a whole package: `java.util.concurrent.Executors.newFixedThreadPool`.
    fn written_in_full(&self, first: Ustr, rest: &[Ustr]) -> Option<Ustr> {
        let is_class = |name: &Ustr| name.starts_with(|letter: char| letter.is_ascii_uppercase());
        if self.language != Language::Java || is_class(&first) {
            return None;
        }
        let class = rest.iter().rposition(is_class)?;
        let join = |names: &[Ustr]| names.iter().rev().fold(first, |out, name| self.names.join(out, *name));
        let owner = join(&rest[class..]);
        let is_known = self.types.contains_key(&owner) || self.knowledge.speaks_of_class(owner);
        is_known.then(|| join(rest))
    }

    /// A name that is a variable of the file itself, not of a function.
    fn is_module_level(&self, value: ValueRef) -> bool {
        let flow = &self.files[value.file as usize].flow;
        let defs = flow.reaching(value.expr);
        !defs.is_empty() && defs.iter().all(|def| flow.defs[def.0 as usize].function.0 == 0)
    }

    fn qualify_name(&self, file: u32, name: Ustr) -> Option<Ustr> {
        if let Some(known) = self.names.qualified_names.borrow().get(&(file, name)) {
            return *known;
        }
        let found = self.find_name(file, name);
        self.names.qualified_names.borrow_mut().insert((file, name), found);
        found
    }

    fn find_name(&self, file: u32, name: Ustr) -> Option<Ustr> {
        let unit = &self.files[file as usize];
        if let Some(target) = unit.scope.get(name) {
            return Some(target);
        }
        let local = self.names.join(unit.module, name);
        if self.functions.contains_key(&local)
            || self.types.contains_key(&local)
            || !self.writes((unit.module, name)).is_empty()
        {
            return Some(local);
        }
        if self.language == Language::Java
            && name.starts_with(|first: char| first.is_ascii_uppercase())
            && let Some(found) = self.qualify_type(file, name)
        {
            return Some(found);
        }
        unit.scope
            .wildcards()
            .iter()
            .map(|module| Ustr::from(&format!("{module}.{name}")))
            .find(|name| {
                self.functions.contains_key(name)
                    || self.types.contains_key(name)
                    || self.knowledge.function(*name).is_some()
            })
            .or_else(|| {
                // A member of the file's own package that only other files define (Go), or a Java type that is not seen.
                match self.language {
                    Language::Java if name.starts_with(|first: char| first.is_ascii_uppercase()) => Some(local),
                    _ => None,
                }
            })
    }

    /// The name under which a function is described.
    pub(super) fn described_name(&self, name: Ustr) -> Option<Ustr> {
        if let Some(known) = self.names.described.borrow().get(&name) {
            return *known;
        }
        let found = self.find_described(name);
        self.names.described.borrow_mut().insert(name, found);
        found
    }

    fn find_described(&self, name: Ustr) -> Option<Ustr> {
        // A team describes its modules by the names that its code uses, and generated ones fit a pattern of such names.
        let written = Ustr::from(plain(&name));
        if self.knowledge.function(written).is_some() {
            return Some(written);
        }
        let (owner, method) = name.rsplit_once('.')?;
        let (owner, method) = (Ustr::from_existing(owner)?, Ustr::from(method));
        let inherited =
            |ty: &Ustr| Some(self.names.join(*ty, method)).filter(|name| self.knowledge.function(*name).is_some());
        self.supertypes(owner).iter().find_map(inherited)
    }

    /// Whether a qualified name belongs to the language's own library, as far as names tell (not for Python).
    pub fn is_standard(&self, name: Ustr) -> bool {
        match self.language {
            Language::Go => {
                let first = name.split('/').next().unwrap_or(&name);
                let is_path = first.len() < name.len();
                let (first, is_member) = if is_path {
                    (first, true)
                } else {
                    name.split_once('.').map_or((first, false), |(a, _)| (a, true))
                };
                is_member && !first.contains('.') && !self.own_roots.contains(&Ustr::from(first))
            }
            Language::Java => name.starts_with("java."),
            Language::Python => false,
        }
    }
}
