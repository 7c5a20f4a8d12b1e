//! Python modules that have one name in several services.
//!
//! `app.main` or `config` is another module in each service of a workspace. Within one service such a name means its own.

use super::program::SourceFile;
use crate::ir::{ExprKind, Language};
use crate::knowledge::Knowledge;
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// Between the number of a unit and the name of a module of it that others have too. No Python name has it.
const MARK: char = '@';

/// The first segments of module names that mean something else in each of several units.
#[derive(Debug, Default)]
pub struct Homes(FxHashSet<(usize, Ustr)>);

impl Homes {
    /// Finds the first segments below which two units have a module of the same name.
    pub fn new(sources: &[&SourceFile], modules: &[Ustr], knowledge: &Knowledge) -> Self {
        let mut owner: FxHashMap<Ustr, usize> = FxHashMap::default();
        let mut shared: FxHashSet<&str> = FxHashSet::default();
        let own = || {
            let all = sources.iter().zip(modules);
            all.filter(|(source, _)| source.facts.language == Language::Python)
        };
        for (source, module) in own() {
            // An empty `__init__.py` says nothing: parts of one package may lie in several units.
            let facts = &source.facts;
            // One that only joins those parts speaks of its `__path__`.
            let joins =
                || facts.exprs.iter().any(|expr| matches!(expr.kind, ExprKind::Name(name) if name == "__path__"));
            let is_empty = facts.functions.len() < 2 && facts.types.is_empty() && (facts.stmts.is_empty() || joins());
            if !is_empty && *owner.entry(*module).or_insert(source.unit) != source.unit {
                shared.insert(root(module));
            }
        }
        // A file named as a library is no other meaning of that name.
        let described = knowledge.libraries().iter().flat_map(|library| &library.modules).map(|module| root(module));
        let described: FxHashSet<&str> = described.collect();
        shared.retain(|root| !described.contains(root));
        let homes = own().filter(|(_, module)| shared.contains(root(module)));
        Self(homes.map(|(source, module)| (source.unit, Ustr::from(root(module)))).collect())
    }

    /// What a name means in a unit: a module of its own, if others have one of that name too.
    pub fn within(&self, unit: usize, name: Ustr) -> Ustr {
        let is_own = Ustr::from_existing(root(&name)).is_some_and(|root| self.0.contains(&(unit, root)));
        if is_own { Ustr::from(&format!("{unit}{MARK}{name}")) } else { name }
    }
}

/// A module's name as it is written in code.
pub fn plain(module: &str) -> &str {
    module.split_once(MARK).map_or(module, |(_, name)| name)
}

fn root(module: &str) -> &str {
    module.split('.').next().unwrap_or_default()
}

/// Who a Go module belongs to, by its path: `github.com/shop` of `github.com/shop/orders`.
pub fn owner_of(module: &str) -> Option<&str> {
    let host = module.find('/')?;
    let end = module.get(host + 1..)?.find('/').map_or(module.len(), |end| host + 1 + end);
    module.get(..end).filter(|_| module[..host].contains('.'))
}
