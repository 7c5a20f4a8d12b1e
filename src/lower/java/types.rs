//! Types as written.

use super::{Kind, Lowerer};
use crate::ir::TypeRef;
use tree_sitter::Node;
use ustr::Ustr;

impl<'s> Lowerer<'s> {
    /// A type, or `None` where it is inferred (`var`).
    pub(super) fn declared_type(&mut self, node: Option<Node<'s>>, dimensions: Option<Node<'s>>) -> Option<TypeRef> {
        let node = node?;
        let inferred = self.kind(node) == Kind::TypeIdentifier && self.text(node) == "var";
        (!inferred).then(|| {
            let ty = self.type_ref(node);
            self.with_dimensions(ty, dimensions)
        })
    }

    /// A type as a dotted name and arguments.
    pub(super) fn type_ref(&mut self, node: Node<'s>) -> TypeRef {
        if !self.enter() {
            return TypeRef::default();
        }
        let ty = match self.kind(node) {
            Kind::GenericType => self.generic_type(node),
            Kind::ArrayType => self.array_type(node),
            Kind::AnnotatedType => self.last_type(node).map(|inner| self.type_ref(inner)).unwrap_or_default(),
            Kind::Wildcard => match self.last_type(node) {
                Some(bound) => self.type_ref(bound),
                None => TypeRef { name: Ustr::from("?"), args: Vec::new() },
            },
            Kind::ScopedType => TypeRef { name: self.scoped_type(node), args: Vec::new() },
            _ => TypeRef { name: self.name(node), args: Vec::new() },
        };
        self.leave();
        ty
    }

    /// `T[]…` for a type with the array marks after its variable's name.
    pub(super) fn with_dimensions(&mut self, ty: TypeRef, dimensions: Option<Node<'s>>) -> TypeRef {
        let marks = dimensions.map_or(0, |node| self.text(node).bytes().filter(|byte| *byte == b'[').count());
        // A nested value of unbounded depth would overflow the stack when it is dropped.
        (0..marks.min(super::MAX_DEPTH)).fold(ty, |inner, _| array_of(inner))
    }

    /// All types in a list such as `extends`, `implements` or `throws`.
    pub(super) fn type_list(&mut self, node: Node<'s>, into: &mut Vec<TypeRef>) {
        for child in self.named(node) {
            match self.kind(child) {
                Kind::TypeList => self.types_of(child, into),
                kind if kind.is_type() => into.push(self.type_ref(child)),
                _ => {}
            }
        }
    }

    fn types_of(&mut self, node: Node<'s>, into: &mut Vec<TypeRef>) {
        for child in self.named(node) {
            if self.kind(child).is_type() {
                into.push(self.type_ref(child));
            }
        }
    }

    fn generic_type(&mut self, node: Node<'s>) -> TypeRef {
        let mut ty = TypeRef::default();
        for child in self.named(node) {
            match self.kind(child) {
                Kind::TypeArguments => self.type_arguments(child, &mut ty.args),
                Kind::ScopedType => ty.name = self.scoped_type(child),
                Kind::TypeIdentifier => ty.name = self.name(child),
                _ => {}
            }
        }
        ty
    }

    fn type_arguments(&mut self, node: Node<'s>, into: &mut Vec<TypeRef>) {
        for child in self.named(node) {
            let kind = self.kind(child);
            if kind.is_type() || kind == Kind::Wildcard {
                into.push(self.type_ref(child));
            }
        }
    }

    fn array_type(&mut self, node: Node<'s>) -> TypeRef {
        let fields = &self.grammar.fields;
        let (element, dimensions) = (self.field(node, fields.element), self.field(node, fields.dimensions));
        let element = element.map(|element| self.type_ref(element)).unwrap_or_default();
        self.with_dimensions(element, dimensions)
    }

    /// The last type among the children: annotations and keywords stand before it.
    fn last_type<'t>(&self, node: Node<'t>) -> Option<Node<'t>> {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).filter(|child| self.kind(*child).is_type()).last()
    }

    /// `a.b.C`, without annotations and without the arguments of outer types (`Outer<T>.Inner`).
    fn scoped_type(&mut self, node: Node<'s>) -> Ustr {
        let text = self.text(node);
        if !text.bytes().any(|byte| matches!(byte, b'<' | b'@' | b'/') || byte.is_ascii_whitespace()) {
            return self.intern(text);
        }
        let mut segments = Vec::new();
        let mut next = Some(node);
        while let Some(current) = next {
            next = match self.kind(current) {
                Kind::ScopedType => {
                    segments.extend(self.last_type(current).map(|last| self.text(last)));
                    self.first(current)
                }
                Kind::GenericType => self.first(current),
                _ => {
                    segments.push(self.text(current));
                    None
                }
            };
        }
        segments.reverse();
        Ustr::from(&segments.join("."))
    }
}

/// The type `T[]`.
pub(super) fn array_of(element: TypeRef) -> TypeRef {
    TypeRef { name: Ustr::from("[]"), args: vec![element] }
}
