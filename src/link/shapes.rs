//! Whether two Go methods take and hand back the same, which is what makes a type implement an interface.

use super::program::{FuncRef, Program, TypeIndex};
use crate::ir::{Function, Language, TypeKind, TypeRef};
use ustr::Ustr;

/// Go's own types that say all by their names.
const BASIC: &[&str] = &[
    "bool",
    "string",
    "error",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "uintptr",
    "float32",
    "float64",
    "complex64",
    "complex128",
];

/// What is known of a type as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// It may be another name of any type: an alias, a type parameter, a type of a library that is not seen.
    Unknown,
    /// A list, map, channel or function.
    Container,
    /// One of the language's own.
    Basic(Ustr),
    /// A type of the standard library.
    Standard(Ustr),
    /// A struct or interface of the program.
    Own(Ustr),
}

impl Program<'_> {
    /// Whether a function takes and hands back what another one does, as far as the types of both are known.
    pub fn has_shape_of(&self, found: FuncRef, wanted: FuncRef) -> bool {
        let (one, other) = (self.function(found), self.function(wanted));
        let params = one.params.iter().zip(&other.params);
        let mut params = params.filter_map(|(a, b)| a.ty.as_ref().zip(b.ty.as_ref()));
        let mut results = one.results.iter().zip(&other.results);
        let may_be_same = |a: &TypeRef, b: &TypeRef| self.may_be_same((found.file, a), (wanted.file, b));
        counts(one) == counts(other)
            && params.all(|(a, b)| may_be_same(a, b))
            && results.all(|(a, b)| may_be_same(a, b))
    }

    /// Whether a type has a method of this name in a Go interface's shape, or has one of the name where there is none.
    pub(super) fn has_method_of(&self, owner: Ustr, interface: Ustr, name: Ustr) -> bool {
        let methods = |ty: Ustr| self.functions.get(&self.names.join(ty, name));
        let Some(own) = methods(owner) else { return false };
        let declared = methods(interface).filter(|_| self.language == Language::Go);
        declared.is_none_or(|declared| {
            own.iter().any(|found| declared.iter().any(|wanted| self.has_shape_of(*found, *wanted)))
        })
    }

    /// Whether two types as written in their files may be one: unless both are known to be different ones.
    fn may_be_same(&self, one: (u32, &TypeRef), other: (u32, &TypeRef)) -> bool {
        match (self.shape(one.0, one.1), self.shape(other.0, other.1)) {
            (Shape::Unknown, _) | (_, Shape::Unknown) => true,
            (Shape::Container, Shape::Container) => {
                let mut inner = one.1.args.iter().zip(&other.1.args);
                one.1.name == other.1.name
                    && one.1.args.len() == other.1.args.len()
                    && inner.all(|(a, b)| self.may_be_same((one.0, a), (other.0, b)))
            }
            // Packages of the standard library have other names for types that moved: `os.FileInfo` is `fs.FileInfo`.
            (Shape::Standard(a), Shape::Standard(b)) => last(a) == last(b),
            (a, b) => a == b,
        }
    }

    fn shape(&self, file: u32, ty: &TypeRef) -> Shape {
        match ty.name.as_str() {
            "[]" | "map" | "chan" | "func" => return Shape::Container,
            "byte" => return Shape::Basic(Ustr::from("uint8")),
            "rune" => return Shape::Basic(Ustr::from("int32")),
            name if BASIC.contains(&name) => return Shape::Basic(ty.name),
            _ => {}
        }
        let name = self.type_ref(file, &TypeRef { name: ty.name, args: Vec::new() });
        match self.own_type(name) {
            Some(index) if self.is_distinct(index) => Shape::Own(name),
            None if self.is_standard(name) => Shape::Standard(name),
            _ => Shape::Unknown,
        }
    }

    /// Whether a type of the program is no other name of another type.
    fn is_distinct(&self, ty: TypeIndex) -> bool {
        self.type_decl(ty).kind != TypeKind::Alias
    }
}

/// How many parameters a function takes, whether the last stands for any number, and how many results it has: a
/// generated client has the methods of the server that it calls, and takes options besides.
fn counts(function: &Function) -> (usize, bool, usize) {
    let is_variadic = function.params.last().is_some_and(|param| param.variadic);
    (function.params.len(), is_variadic, function.results.len())
}

fn last(name: Ustr) -> &'static str {
    let name = name.as_str();
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}
