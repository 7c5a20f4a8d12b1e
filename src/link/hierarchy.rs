//! What a type has by its supertypes: its role, its methods, and those of what implements it.

use super::callee::Callee;
use super::program::{FuncRef, Program, TypeIndex};
use crate::aside::{is_for_other_system, is_stand_in, is_support};
use crate::ir::{Language, TypeKind};
use crate::knowledge::TypeRole;
use smallvec::SmallVec;
use std::rc::Rc;
use ustr::Ustr;

impl Program<'_> {
    /// All supertypes of a type, nearest first, the service's own and the libraries'.
    pub fn supertypes(&self, ty: Ustr) -> Rc<[Ustr]> {
        if let Some(known) = self.names.supertypes.borrow().get(&ty) {
            return Rc::clone(known);
        }
        let found: Rc<[Ustr]> = self.find_supertypes(ty).into();
        self.names.supertypes.borrow_mut().insert(ty, Rc::clone(&found));
        found
    }

    fn find_supertypes(&self, ty: Ustr) -> Vec<Ustr> {
        let mut out: Vec<Ustr> = Vec::new();
        let mut at = 0;
        let mut current = ty;
        loop {
            let own = self.types.get(&current).map(|index| {
                let decl = self.type_decl(*index);
                let embedded = decl.fields.iter().filter(|field| field.embedded).filter_map(|field| field.ty.as_ref());
                decl.supers.iter().chain(embedded).map(|ty| self.type_ref(index.file, ty)).collect::<Vec<_>>()
            });
            let library = self.knowledge.ty(current).map(|(_, ty)| ty.supers.clone());
            for name in own.into_iter().flatten().chain(library.into_iter().flatten()) {
                if name != ty && !out.contains(&name) && out.len() < 32 {
                    out.push(name);
                }
            }
            let Some(next) = out.get(at) else { return out };
            current = *next;
            at += 1;
        }
    }

    /// What a type is for the trace, by its description or a supertype's.
    pub fn role(&self, ty: Ustr) -> Option<TypeRole> {
        if let Some(known) = self.names.roles.borrow().get(&ty) {
            return *known;
        }
        let found = self.find_role(ty);
        self.names.roles.borrow_mut().insert(ty, found);
        found
    }

    fn find_role(&self, ty: Ustr) -> Option<TypeRole> {
        if let Some((_, description)) = self.knowledge.ty(ty) {
            return Some(description.role);
        }
        self.supertypes(ty).iter().find_map(|ty| self.knowledge.ty(*ty).map(|(_, description)| description.role))
    }

    /// A method of a type: its own, inherited, or that of the implementations of an interface.
    pub(super) fn method(&self, owner: Ustr, name: Ustr) -> Rc<Callee> {
        if let Some(known) = self.names.methods.borrow().get(&(owner, name)) {
            return Rc::clone(known);
        }
        let found = Rc::new(self.find_method(owner, name));
        self.names.methods.borrow_mut().insert((owner, name), Rc::clone(&found));
        found
    }

    fn find_method(&self, owner: Ustr, name: Ustr) -> Callee {
        let qualified = self.names.join(owner, name);
        if let Some(functions) = self.functions.get(&qualified) {
            if functions.iter().all(|function| self.function(*function).flags.is_abstract) {
                let found = self.implementations(owner, name);
                if !found.is_empty() {
                    return Callee { functions: found, name: Some(qualified), constructs: None };
                }
            }
            let mut functions = functions.clone();
            if self.is_java_interface(owner) {
                // What overrides a default method runs in its place.
                let overriding = self.implementations(owner, name);
                functions.extend(overriding.into_iter().filter(|found| !functions.contains(found)).collect::<Vec<_>>());
            }
            return Callee { functions, name: Some(qualified), constructs: None };
        }
        for ty in self.supertypes(owner).iter() {
            if let Some(functions) = self.functions.get(&self.names.join(*ty, name)) {
                let is_open = functions.iter().all(|function| self.function(*function).flags.is_abstract);
                let found = match self.language {
                    Language::Java if is_open => Some(self.implementations(owner, name)),
                    // What embeds an interface has its methods from whatever is put there: `struct { pb.OrdersClient }`. Of
                    // several that may be, none is known.
                    Language::Go if is_open => Some(self.implementations(*ty, name)).filter(|found| found.len() == 1),
                    _ => None,
                };
                let found = found.unwrap_or_default();
                let functions = if found.is_empty() { functions.clone() } else { found };
                return Callee { functions, name: Some(qualified), constructs: None };
            }
        }
        Callee { functions: SmallVec::new(), name: Some(qualified), constructs: None }
    }

    fn is_java_interface(&self, ty: Ustr) -> bool {
        let decl = self.types.get(&ty).map(|index| self.type_decl(*index).kind);
        self.language == Language::Java && decl == Some(TypeKind::Interface)
    }

    /// The methods of the service's types that implement an interface's method, at most four.
    fn implementations(&self, interface: Ustr, name: Ustr) -> SmallVec<[FuncRef; 1]> {
        let mut found = self.implementing(interface, name);
        let is_elsewhere = |function: &FuncRef| {
            self.files.get(function.file as usize).is_some_and(|file| is_for_other_system(&file.source.path))
        };
        // Services run on Linux; what stands beside its files for other systems does not.
        if self.language == Language::Go && !found.iter().all(is_elsewhere) {
            found.retain(|function| !is_elsewhere(function));
        }
        if found.len() > 4 { SmallVec::new() } else { found }
    }

    /// All methods of the service's types that implement an interface's method, without those of what stands in for it in
    /// tests (Go); none where too many have its name.
    pub(super) fn implementing(&self, interface: Ustr, name: Ustr) -> SmallVec<[FuncRef; 1]> {
        let Some(index) = self.types.get(&interface) else { return SmallVec::new() };
        let candidates = self.methods_by_name.get(&name).map_or(&[][..], Vec::as_slice);
        if candidates.len() > 64 {
            return SmallVec::new();
        }
        let is_interface = self.type_decl(*index).kind == TypeKind::Interface;
        candidates
            .iter()
            .copied()
            .filter(|function| !self.function(*function).flags.is_abstract && !self.stands_in(*function))
            .filter(|function| {
                let Some(owner) = self.enclosing_type(*function) else { return false };
                let owner_name = self.type_name(owner);
                match self.language {
                    Language::Go => {
                        self.has_method_of(owner_name, interface, name)
                            && (!is_interface || self.has_methods_of(owner_name, interface, *index))
                    }
                    _ => self.supertypes(owner_name).contains(&interface),
                }
            })
            .collect()
    }

    /// Whether a Go method belongs to what stands in for something in tests.
    fn stands_in(&self, method: FuncRef) -> bool {
        let path = self.files.get(method.file as usize).map(|file| file.source.path);
        let is_named = || {
            let owner = self.enclosing_type(method).map(|owner| self.type_decl(owner).name);
            owner.is_some_and(|owner| is_stand_in(&owner))
        };
        self.language == Language::Go
            && (path.is_some_and(|path| is_support(&path) || is_stand_in(&path)) || is_named())
    }

    /// All own methods that implement a method of an interface, however many; none where too many have its name.
    pub fn all_behind(&self, interface: Ustr, name: Ustr) -> Vec<FuncRef> {
        self.implementing(interface, name).to_vec()
    }

    /// The service's own methods that `owner.name` may run.
    pub fn methods(&self, owner: Ustr, name: Ustr) -> Vec<FuncRef> {
        self.method(owner, name).functions.to_vec()
    }

    /// Whether one of the service's own types has methods of its own.
    pub fn has_methods(&self, ty: Ustr) -> bool {
        self.methods_by_owner.contains_key(&ty)
    }

    /// The methods with a body that one of the service's own types has itself, in the order of files.
    pub fn methods_of(&self, ty: TypeIndex) -> Vec<FuncRef> {
        let name = self.type_name(ty);
        let mut out: Vec<FuncRef> = self.methods_by_owner.get(&name).cloned().unwrap_or_default();
        out.retain(|function| !self.function(*function).flags.is_abstract);
        out
    }

    /// The methods that a type declares, those without a body among them.
    pub fn declared_methods(&self, ty: TypeIndex) -> Vec<FuncRef> {
        self.methods_by_owner.get(&self.type_name(ty)).cloned().unwrap_or_default()
    }

    /// Whether a Go type has all methods of an interface.
    fn has_methods_of(&self, owner: Ustr, interface: Ustr, index: TypeIndex) -> bool {
        if let Some(known) = self.names.implementing.borrow().get(&(owner, interface)) {
            return *known;
        }
        let needed = self.method_names(index);
        let has = needed.iter().filter(|method| self.has_method_of(owner, interface, **method)).count();
        let lacks_nothing_seen = || {
            let own = |method: &Ustr| self.functions.contains_key(&self.names.join(owner, *method));
            needed.iter().filter(|method| own(method)).count() == has
        };
        let found = self.is_enough(owner, has, needed.len()) && (has == needed.len() || lacks_nothing_seen());
        self.names.implementing.borrow_mut().insert((owner, interface), found);
        found
    }

    /// Whether a Go type that has so many of the methods of an interface implements it: all, or most, where it has others
    /// from a library's type that it embeds and that is not seen.
    pub fn is_enough(&self, owner: Ustr, has: usize, needed: usize) -> bool {
        has == needed || (has > 1 && has * 2 >= needed && self.embeds_unseen(owner))
    }

    /// Whether a Go type embeds a library's type that is not described: its methods are not known.
    fn embeds_unseen(&self, owner: Ustr) -> bool {
        let Some(index) = self.own_type(owner) else { return false };
        let embedded = self.type_decl(index).fields.iter().filter(|field| field.embedded);
        let mut types = embedded.filter_map(|field| Some(self.type_ref(index.file, field.ty.as_ref()?)));
        types.any(|ty| self.own_type(ty).is_none() && self.knowledge.ty(ty).is_none() && !self.is_standard(ty))
    }

    fn method_names(&self, ty: TypeIndex) -> Vec<Ustr> {
        let facts = &self.files[ty.file as usize].source.facts;
        facts.functions.iter().filter(|function| function.owner == Some(ty.id)).map(|function| function.name).collect()
    }
}
