//! Types: references to them, and their declarations.

use super::declarations::{self, Parts};
use super::kinds::{FIELDS, Kind, kind};
use super::{Lowerer, Nodes, span};
use crate::ir::{Span, TypeDecl, TypeField, TypeId, TypeKind, TypeRef};
use tree_sitter::Node;
use ustr::Ustr;

/// Whether a node of this kind is a type wherever it stands.
pub(super) fn is_type(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::ArrayType
            | Kind::ChannelType
            | Kind::FunctionType
            | Kind::GenericType
            | Kind::ImplicitLengthArrayType
            | Kind::InterfaceType
            | Kind::MapType
            | Kind::NegatedType
            | Kind::ParenthesizedType
            | Kind::PointerType
            | Kind::QualifiedType
            | Kind::SliceType
            | Kind::StructType
            | Kind::TypeElem
            | Kind::TypeIdentifier
    )
}

fn plain(name: &str) -> TypeRef {
    TypeRef { name: Ustr::from(name), args: Vec::new() }
}

/// The last segment of a type's name, which is what an embedded field is called.
fn last_segment(name: Ustr) -> Ustr {
    name.rsplit_once('.').map_or(name, |(_, last)| Ustr::from(last))
}

impl<'t> Lowerer<'t> {
    /// A type as written; empty where it is broken or too deep.
    pub(super) fn type_ref(&mut self, node: Node<'t>) -> TypeRef {
        self.deeper(|this| this.type_ref_inner(node)).unwrap_or_default()
    }

    /// The type under a node's `type` field.
    pub(super) fn type_of(&mut self, node: Node<'t>) -> Option<TypeRef> {
        node.child_by_field_id(FIELDS.ty).map(|ty| self.type_ref(ty))
    }

    fn type_ref_inner(&mut self, node: Node<'t>) -> TypeRef {
        match kind(node) {
            Kind::TypeIdentifier | Kind::Identifier => TypeRef { name: self.name(node), args: Vec::new() },
            Kind::QualifiedType => self.qualified_type(node),
            Kind::ArrayType | Kind::ImplicitLengthArrayType | Kind::SliceType => {
                self.type_with(node, "[]", &[FIELDS.element])
            }
            Kind::ChannelType => self.type_with(node, "chan", &[FIELDS.value]),
            Kind::MapType => self.type_with(node, "map", &[FIELDS.key, FIELDS.value]),
            Kind::FunctionType => self.function_type(node),
            Kind::GenericType => self.generic_type(node),
            Kind::StructType => plain("struct"),
            Kind::InterfaceType => plain("interface"),
            Kind::PointerType | Kind::ParenthesizedType | Kind::NegatedType | Kind::TypeElem => {
                self.first_named(node).map(|inner| self.type_ref(inner)).unwrap_or_default()
            }
            _ => TypeRef::default(),
        }
    }

    fn qualified_type(&mut self, node: Node<'t>) -> TypeRef {
        let text = self.text(node);
        // White space and comments may stand around the dot.
        if !text.contains(|c: char| c.is_whitespace() || c == '/') {
            return TypeRef { name: self.intern(text), args: Vec::new() };
        }
        let part = |field| node.child_by_field_id(field).map_or("", |part| self.text(part));
        plain(&format!("{}.{}", part(FIELDS.package), part(FIELDS.name)))
    }

    fn type_with(&mut self, node: Node<'t>, name: &str, fields: &[u16]) -> TypeRef {
        let args = fields
            .iter()
            .map(|field| node.child_by_field_id(*field).map(|arg| self.type_ref(arg)).unwrap_or_default())
            .collect();
        TypeRef { name: Ustr::from(name), args }
    }

    fn function_type(&mut self, node: Node<'t>) -> TypeRef {
        let Some(list) = node.child_by_field_id(FIELDS.parameters) else { return plain("func") };
        let wrap = |ty: TypeRef, variadic: bool| match variadic {
            true => TypeRef { name: Ustr::from("[]"), args: vec![ty] },
            false => ty,
        };
        let params = self.params(list);
        let args = params.into_iter().map(|param| wrap(param.ty.unwrap_or_default(), param.variadic)).collect();
        TypeRef { name: Ustr::from("func"), args }
    }

    fn generic_type(&mut self, node: Node<'t>) -> TypeRef {
        let mut ty = self.type_of(node).unwrap_or_default();
        if let Some(list) = node.child_by_field_id(FIELDS.type_arguments) {
            ty.args = self.named(list).into_iter().map(|arg| self.type_ref(arg)).collect();
        }
        ty
    }

    /// A `type` declaration, grouped or not.
    pub(super) fn type_declaration(&mut self, node: Node<'t>) {
        for spec in self.named(node) {
            self.type_spec(spec);
        }
    }

    fn type_spec(&mut self, node: Node<'t>) {
        let parts = self.parts(&declarations::TYPES, node);
        let (Some(name), Some(ty)) = (parts.name(), parts.ty) else { return };
        let id = TypeId(u32::try_from(self.facts.types.len()).unwrap_or(u32::MAX));
        let own_name = self.name(name);
        self.facts.types.push(TypeDecl {
            name: own_name,
            kind: declared_kind(ty),
            supers: Vec::new(),
            fields: Vec::new(),
            annotations: Vec::new(),
            owner: None,
            span: span(node),
            name_span: span(name),
            is_abstract: false,
        });
        if self.depth == 0 {
            self.types.insert(own_name, id);
        }
        let (supers, fields) = self.type_content(ty, id);
        if let Some(declared) = self.facts.types.get_mut(id.0 as usize) {
            declared.supers = supers;
            declared.fields = fields;
        }
    }

    fn type_content(&mut self, ty: Node<'t>, id: TypeId) -> (Vec<TypeRef>, Vec<TypeField>) {
        match kind(ty) {
            Kind::StructType => (Vec::new(), self.struct_fields(ty)),
            Kind::InterfaceType => (self.interface_elements(ty, id), Vec::new()),
            _ => (vec![self.type_ref(ty)], Vec::new()),
        }
    }

    fn struct_fields(&mut self, node: Node<'t>) -> Vec<TypeField> {
        let lists = self.named(node);
        let declarations: Nodes<'t> = match lists.first() {
            Some(list) => self.named(*list),
            None => return Vec::new(),
        };
        let mut fields = Vec::new();
        for declaration in declarations.into_iter().filter(|node| kind(*node) == Kind::FieldDeclaration) {
            self.struct_field(declaration, &mut fields);
        }
        fields
    }

    fn struct_field(&mut self, node: Node<'t>, fields: &mut Vec<TypeField>) {
        let Parts { names, ty, .. } = self.parts(&declarations::TYPES, node);
        let ty = ty.map(|ty| self.type_ref(ty));
        if names.is_empty() {
            let name = ty.as_ref().map(|ty| last_segment(ty.name)).unwrap_or_default();
            fields.push(type_field(name, ty, true, span(node)));
            return;
        }
        for name in names {
            fields.push(type_field(self.name(name), ty.clone(), false, span(node)));
        }
    }

    /// Adds an interface's method specs as functions and returns what it embeds.
    fn interface_elements(&mut self, node: Node<'t>, id: TypeId) -> Vec<TypeRef> {
        let mut supers = Vec::new();
        for element in self.named(node) {
            match kind(element) {
                Kind::MethodElem => self.method_spec(element, id),
                Kind::TypeElem => {
                    for ty in self.named(element) {
                        supers.push(self.type_ref(ty));
                    }
                }
                _ => {}
            }
        }
        supers
    }
}

fn declared_kind(ty: Node<'_>) -> TypeKind {
    match kind(ty) {
        Kind::StructType => TypeKind::Class,
        Kind::InterfaceType => TypeKind::Interface,
        _ => TypeKind::Alias,
    }
}

fn type_field(name: Ustr, ty: Option<TypeRef>, embedded: bool, span: Span) -> TypeField {
    let is_private = !name.chars().next().is_some_and(char::is_uppercase);
    TypeField { name, ty, init: None, embedded, annotations: Vec::new(), span, is_static: false, is_private }
}
