//! Definitions: package, imports, types with their fields, methods and constructors.

use super::grammar::{Parts, Role};
use super::{Kind, Lowerer, next_index, span};
use crate::ir::{
    Annotation, Block, ExprId, ExprKind, Function, FunctionFlags, FunctionId, Import, Param, TypeDecl, TypeField,
    TypeId, TypeKind, TypeRef,
};
use tree_sitter::Node;
use ustr::Ustr;

/// What stands before a definition.
#[derive(Default)]
struct Modifiers {
    annotations: Vec<Annotation>,
    is_static: bool,
    is_private: bool,
    is_abstract: bool,
    is_final: bool,
}

impl<'s> Lowerer<'s> {
    /// Lowers a node that defines something; says whether it was one.
    pub(super) fn definition(&mut self, node: Node<'s>) -> bool {
        match self.kind(node) {
            Kind::Package => self.package(node),
            Kind::Import => self.import(node),
            Kind::Class | Kind::Record | Kind::Enum | Kind::Interface | Kind::AnnotationType => self.type_decl(node),
            Kind::Field | Kind::Constant => self.fields(node),
            Kind::EnumConstant => self.enum_constant(node),
            Kind::Method | Kind::Constructor | Kind::CompactConstructor | Kind::AnnotationElement => self.method(node),
            Kind::StaticInitializer => self.static_initializer(node),
            Kind::EnumBodyDeclarations => self.members(node),
            Kind::Module => {}
            _ => return false,
        }
        true
    }

    /// The members of a body. What is no definition there is an initialiser block or left over from broken source.
    fn members(&mut self, body: Node<'s>) {
        if !self.enter() {
            return;
        }
        for child in self.named(body) {
            if self.definition(child) {
                continue;
            }
            match self.kind(child) {
                Kind::Error => self.members(child),
                Kind::Block => self.load_time_statement(child),
                _ => {}
            }
        }
        self.leave();
    }

    fn package(&mut self, node: Node<'s>) {
        let is_name = |lowerer: &Self, child: &Node<'s>| {
            matches!(lowerer.kind(*child), Kind::Identifier | Kind::ScopedIdentifier)
        };
        if let Some(name) = self.named(node).into_iter().find(|child| is_name(self, child)) {
            self.facts.package = self.dotted(name);
        }
    }

    fn import(&mut self, node: Node<'s>) {
        let (mut name, mut is_static, mut is_wildcard) = (None, false, false);
        for child in self.children(node) {
            match self.kind(child) {
                Kind::Identifier | Kind::ScopedIdentifier => name = name.or(Some(child)),
                Kind::Static => is_static = true,
                Kind::Asterisk => is_wildcard = true,
                _ => {}
            }
        }
        let Some(name) = name else { return };
        let target = self.dotted(name);
        let (module, local) = match target.rsplit_once('.') {
            _ if is_wildcard => (target.as_str(), "*"),
            Some((module, local)) => (module, local),
            None => ("", target.as_str()),
        };
        self.facts.imports.push(Import {
            local: Ustr::from(local),
            target,
            module: Ustr::from(module),
            is_static,
            span: span(node),
            function: FunctionId(0),
        });
    }

    fn type_decl(&mut self, node: Node<'s>) {
        if !self.enter() {
            return;
        }
        let parts = self.grammar.types.parts(&mut self.queries, node, self.source);
        let id = self.type_head(node, &parts);
        if let Some(components) = parts.get(Role::Parameters) {
            self.record_components(components, id);
        }
        if let Some(body) = parts.get(Role::Body) {
            self.type_body(body, id);
        }
        self.leave();
    }

    fn type_head(&mut self, node: Node<'s>, parts: &Parts<'s>) -> TypeId {
        let modifiers = self.modifiers(parts.get(Role::Modifiers));
        let mut supers = Vec::new();
        for list in parts.all(Role::Supers) {
            self.type_list(list, &mut supers);
        }
        let name = parts.get(Role::Name);
        let kind = match self.kind(node) {
            Kind::Interface | Kind::AnnotationType => TypeKind::Interface,
            _ => TypeKind::Class,
        };
        let text = name.map(|name| self.name(name)).unwrap_or_default();
        self.add_type(TypeDecl {
            name: text,
            kind,
            supers,
            fields: Vec::new(),
            annotations: modifiers.annotations,
            owner: self.owner,
            span: span(node),
            name_span: name.map_or(span(node), span),
            is_abstract: modifiers.is_abstract,
        })
    }

    fn add_type(&mut self, ty: TypeDecl) -> TypeId {
        let id = TypeId(next_index(&self.facts.types));
        self.facts.types.push(ty);
        id
    }

    /// A class without a name: `new T() { … }` or the body of an enum constant.
    pub(super) fn anonymous_class(&mut self, body: Node<'s>, ty: &TypeRef) -> TypeId {
        let id = self.add_type(TypeDecl {
            name: Ustr::default(),
            kind: TypeKind::Class,
            supers: vec![ty.clone()],
            fields: Vec::new(),
            annotations: Vec::new(),
            owner: self.owner,
            span: span(body),
            name_span: span(body),
            is_abstract: false,
        });
        self.type_body(body, id);
        id
    }

    /// Lowers the members with the type as owner. A value's pending statements belong to the code around the type.
    fn type_body(&mut self, body: Node<'s>, id: TypeId) {
        let owner = self.owner.replace(id);
        let hoisted = std::mem::take(&mut self.hoisted);
        let yields_to = self.yields_to.take();
        self.members(body);
        self.owner = owner;
        self.hoisted = hoisted;
        self.yields_to = yields_to;
    }

    fn record_components(&mut self, node: Node<'s>, id: TypeId) {
        for component in self.params(node) {
            let field = TypeField {
                name: component.name,
                ty: component.ty,
                init: None,
                embedded: false,
                annotations: component.annotations,
                span: component.span,
                is_static: false,
                is_private: false,
            };
            self.add_field(Some(id), field);
        }
    }

    fn add_field(&mut self, owner: Option<TypeId>, field: TypeField) {
        if let Some(ty) = owner.and_then(|id| self.facts.types.get_mut(id.0 as usize)) {
            ty.fields.push(field);
        }
    }

    fn owner_decl(&self) -> Option<&TypeDecl> {
        self.facts.types.get(self.owner?.0 as usize)
    }

    fn fields(&mut self, node: Node<'s>) {
        let ids = &self.grammar.fields;
        let first = self.first(node).filter(|first| self.kind(*first) == Kind::Modifiers);
        let mut modifiers = self.modifiers(first);
        modifiers.is_static |= self.kind(node) == Kind::Constant;
        let declared = self.field(node, ids.ty);
        for declarator in self.under(node, ids.declarator) {
            let Some(name) = self.field(declarator, ids.name) else { continue };
            let dimensions = self.field(declarator, ids.dimensions);
            let ty = self.declared_type(declared, dimensions);
            let init = self.field(declarator, ids.value).map(|value| self.expression(value));
            self.initialised_field(name, declarator, ty, init, &modifiers);
        }
    }

    /// A field, and its initial value as load-time code.
    fn initialised_field(
        &mut self,
        name: Node<'s>,
        whole: Node<'s>,
        ty: Option<TypeRef>,
        init: Option<ExprId>,
        modifiers: &Modifiers,
    ) {
        let field = TypeField {
            name: self.name(name),
            ty,
            init,
            embedded: false,
            annotations: modifiers.annotations.clone(),
            span: span(whole),
            is_static: modifiers.is_static,
            is_private: modifiers.is_private,
        };
        self.init.append(&mut self.hoisted);
        if let Some(init) = init {
            let target = self.facts.add_expr(span(name), ExprKind::Name(field.name));
            let stmt = self.assign(span(whole), target, None, Some(init), false);
            self.init.push(stmt);
        }
        self.add_field(self.owner, field);
    }

    /// An enum constant is a static field; one with arguments or a body starts with a `New` of the enum.
    fn enum_constant(&mut self, node: Node<'s>) {
        let parts = self.grammar.types.parts(&mut self.queries, node, self.source);
        let Some(name) = parts.get(Role::Name) else { return };
        let mut modifiers = self.modifiers(parts.get(Role::Modifiers));
        modifiers.is_static = true;
        let name_of_enum = self.owner_decl().map(|owner| owner.name).unwrap_or_default();
        let ty = TypeRef { name: name_of_enum, args: Vec::new() };
        let (arguments, body) = (parts.get(Role::Arguments), parts.get(Role::Body));
        let init = (arguments.is_some() || body.is_some()).then(|| {
            let args = self.arguments(arguments);
            let body = body.map(|body| self.anonymous_class(body, &ty));
            self.facts.add_expr(span(node), ExprKind::New { ty: Box::new(ty.clone()), args, body })
        });
        self.initialised_field(name, node, Some(ty), init, &modifiers);
    }

    fn static_initializer(&mut self, node: Node<'s>) {
        if let Some(block) = self.child_of_kind(node, Kind::Block) {
            self.load_time_statement(block);
        }
    }

    /// Appends code that runs outside any method; a block's statements are spliced in without a scope of their own.
    pub(super) fn load_time_statement(&mut self, node: Node<'s>) {
        let mut init = std::mem::take(&mut self.init);
        let mut own = Vec::new();
        if self.kind(node) == Kind::Block {
            self.statements(node, &mut own);
        } else {
            self.statement(node, &mut own);
        }
        // A local class inside the block may have added load-time code of its own.
        init.append(&mut self.init);
        init.append(&mut own);
        self.init = init;
    }

    fn method(&mut self, node: Node<'s>) {
        if !self.enter() {
            return;
        }
        let parts = self.grammar.methods.parts(&mut self.queries, node, self.source);
        let function = self.method_head(node, &parts);
        let id = self.add_function(function);
        if let Some(body) = parts.get(Role::Body) {
            self.function_body(id, |lowerer| lowerer.block(body));
        }
        self.leave();
    }

    fn method_head(&mut self, node: Node<'s>, parts: &Parts<'s>) -> Function {
        let modifiers = self.modifiers(parts.get(Role::Modifiers));
        let name = parts.get(Role::Name);
        let ty = self.declared_type(parts.get(Role::Type), None);
        Function {
            name: name.map(|name| self.name(name)).unwrap_or_default(),
            owner: self.owner,
            owner_name: self.owner_decl().map(|owner| owner.name).unwrap_or_default(),
            params: parts.get(Role::Parameters).map(|params| self.params(params)).unwrap_or_default(),
            results: ty.into_iter().filter(|ty| ty.name != "void").collect(),
            annotations: modifiers.annotations,
            parent: Some(self.function),
            flags: FunctionFlags {
                is_static: modifiers.is_static,
                is_private: modifiers.is_private,
                is_constructor: matches!(self.kind(node), Kind::Constructor | Kind::CompactConstructor),
                is_abstract: parts.get(Role::Body).is_none(),
                is_final: modifiers.is_final,
                ..FunctionFlags::default()
            },
            span: span(node),
            name_span: name.map_or(span(node), span),
            ..Function::module_init()
        }
    }

    /// Reserves a function's place, so that what is defined inside comes after it.
    pub(super) fn add_function(&mut self, function: Function) -> FunctionId {
        let id = FunctionId(next_index(&self.facts.functions));
        self.facts.functions.push(function);
        id
    }

    /// Lowers a function's body with the function as the current one.
    pub(super) fn function_body(&mut self, id: FunctionId, lower: impl FnOnce(&mut Self) -> Block) {
        let outer = std::mem::replace(&mut self.function, id);
        let hoisted = std::mem::take(&mut self.hoisted);
        let yields_to = self.yields_to.take();
        let body = lower(self);
        self.function = outer;
        self.hoisted = hoisted;
        self.yields_to = yields_to;
        if let Some(function) = self.facts.functions.get_mut(id.0 as usize) {
            function.body = body;
        }
    }

    /// Formal parameters; the receiver parameter (`Foo this`) is none.
    pub(super) fn params(&mut self, node: Node<'s>) -> Vec<Param> {
        let mut params = Vec::new();
        for child in self.named(node) {
            match self.kind(child) {
                Kind::FormalParameter => params.push(self.formal_parameter(child)),
                Kind::SpreadParameter => params.push(self.spread_parameter(child)),
                _ => {}
            }
        }
        params
    }

    fn formal_parameter(&mut self, node: Node<'s>) -> Param {
        let ids = &self.grammar.fields;
        let modifiers = self.first(node).filter(|first| self.kind(*first) == Kind::Modifiers);
        let annotations = self.modifiers(modifiers).annotations;
        let ty = self.declared_type(self.field(node, ids.ty), self.field(node, ids.dimensions));
        let name = self.field(node, ids.name).map(|name| self.name(name)).unwrap_or_default();
        Param { name, ty, default: None, variadic: false, keywords: false, annotations, span: span(node) }
    }

    fn spread_parameter(&mut self, node: Node<'s>) -> Param {
        let mut param = untyped_param(Ustr::default(), node);
        param.variadic = true;
        for child in self.named(node) {
            match self.kind(child) {
                Kind::Modifiers => param.annotations = self.modifiers(Some(child)).annotations,
                Kind::VariableDeclarator => {
                    let name = self.field(child, self.grammar.fields.name);
                    param.name = name.map(|name| self.name(name)).unwrap_or_default();
                }
                kind if kind.is_type() => param.ty = Some(self.type_ref(child)),
                _ => {}
            }
        }
        param
    }

    fn modifiers(&mut self, node: Option<Node<'s>>) -> Modifiers {
        let mut modifiers = Modifiers::default();
        let Some(node) = node else { return modifiers };
        for child in self.children(node) {
            match self.kind(child) {
                Kind::Annotation | Kind::MarkerAnnotation => modifiers.annotations.push(self.annotation(child)),
                Kind::Static => modifiers.is_static = true,
                Kind::Private => modifiers.is_private = true,
                Kind::Abstract => modifiers.is_abstract = true,
                Kind::Final => modifiers.is_final = true,
                _ => {}
            }
        }
        modifiers
    }

    fn annotation(&mut self, node: Node<'s>) -> Annotation {
        let name = self.field(node, self.grammar.fields.name).map(|name| self.dotted(name)).unwrap_or_default();
        Annotation { name, expr: self.expression(node), span: span(node) }
    }
}

/// A parameter of which only the name is known.
pub(super) fn untyped_param(name: Ustr, node: Node<'_>) -> Param {
    Param { name, ty: None, default: None, variadic: false, keywords: false, annotations: Vec::new(), span: span(node) }
}
