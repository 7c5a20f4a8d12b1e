//! Imports, functions, classes.

use super::grammar::{self, Captures, Field, Kind, captured, captures, field, first_operand, kind, operands};
use super::{Lowering, Scope, span};
use crate::ir::{
    Annotation, ExprId, ExprKind, Function, FunctionId, Import, Param, Span, StmtKind, TypeDecl, TypeField, TypeId,
    TypeKind, TypeRef,
};
use crate::lower::MAX_DEPTH;
use tree_sitter::Node;
use ustr::Ustr;

impl<'t> Lowering<'t> {
    /// An import statement of any form.
    pub(super) fn import(&mut self, node: Node<'t>) {
        let mut found = captures(&mut self.queries, &grammar::IMPORTS, node, self.source);
        found.sort_by_key(|one| one.last().map_or(0, |(_, node)| node.start_byte()));
        for one in &found {
            if let Some(import) = self.imported(one) {
                self.facts.imports.push(import);
            }
        }
    }

    fn imported(&mut self, one: &Captures<'t>) -> Option<Import> {
        let alias = captured(one, "alias").map(|alias| self.name(alias));
        let (_, place) = *one.last()?;
        if let Some(module) = captured(one, "module") {
            let module = self.dotted(module);
            let root = module.split('.').next().unwrap_or_default();
            let local = alias.unwrap_or_else(|| Ustr::from(root));
            let target = if alias.is_some() { module.as_str() } else { root };
            return Some(self.import_of(local, target, &module, place));
        }
        let module = captured(one, "from").map_or_else(|| "__future__".to_owned(), |from| self.dotted(from));
        if captured(one, "wildcard").is_some() {
            return Some(self.import_of(Ustr::from("*"), &module, &module, place));
        }
        let name = self.dotted(captured(one, "name").or_else(|| captured(one, "future"))?);
        let dot = if module.ends_with('.') { "" } else { "." };
        let local = alias.unwrap_or_else(|| Ustr::from(&name));
        Some(self.import_of(local, &format!("{module}{dot}{name}"), &module, place))
    }

    fn import_of(&self, local: Ustr, target: &str, module: &str, place: Node<'t>) -> Import {
        Import {
            local,
            target: Ustr::from(target),
            module: Ustr::from(module),
            is_static: false,
            span: span(place),
            function: self.scope.function,
        }
    }

    /// A decorated function or class.
    pub(super) fn decorated(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        let mut annotations = Vec::new();
        for child in self.children(node) {
            if kind(child) == Kind::Decorator
                && let Some(value) = first_operand(child)
            {
                annotations.push(self.annotation(child, value, depth));
            }
        }
        let Some(definition) = field(node, Field::Definition) else { return };
        match kind(definition) {
            Kind::ClassDefinition => self.class(definition, span(node), annotations, depth, out),
            _ => self.function(definition, span(node), annotations, depth, out),
        }
    }

    fn annotation(&mut self, decorator: Node<'t>, value: Node<'t>, depth: usize) -> Annotation {
        let name = Ustr::from(&self.callee_name(value));
        Annotation { name, expr: self.expr(value, depth + 1), span: span(decorator) }
    }

    /// The dotted name of what a decorator calls; empty if that is no plain name.
    fn callee_name(&self, value: Node<'t>) -> String {
        let mut node = value;
        let mut base = value;
        while kind(base) == Kind::Call
            && let Some(callee) = field(base, Field::Function)
        {
            (node, base) = (callee, callee);
        }
        while kind(base) == Kind::Attribute
            && let Some(object) = field(base, Field::Object)
        {
            base = object;
        }
        if kind(base) == Kind::Identifier { self.dotted(node) } else { String::new() }
    }

    /// A `def`, with the closure it creates where it is nested in a function.
    pub(super) fn function(
        &mut self,
        node: Node<'t>,
        whole: Span,
        annotations: Vec<Annotation>,
        depth: usize,
        out: &mut Vec<u32>,
    ) {
        let parts = self.parts(node, &grammar::FUNCTIONS);
        let Some(name) = captured(&parts, "name") else {
            return self.children_of_broken(node, depth, out);
        };
        let nested = self.scope.function != FunctionId(0) && self.scope.class.is_none();
        let mut function = self.signature(name, &parts, annotations, depth);
        function.span = whole;
        let id = self.declare(function);
        self.function_body(id, captured(&parts, "body"), depth);
        if nested {
            let local = self.name(name);
            let target = self.facts.add_expr(span(name), ExprKind::Name(local));
            let value = self.facts.add_expr(whole, ExprKind::Closure(id));
            let kind = StmtKind::Assign { targets: [target].into(), ty: None, values: [value].into(), declares: true };
            self.push(out, node, kind);
        }
    }

    /// All captures of a definition; optional parts may come in separate matches.
    fn parts(&mut self, node: Node<'t>, query: &'static Option<tree_sitter::Query>) -> Captures<'t> {
        captures(&mut self.queries, query, node, self.source).into_iter().flatten().collect()
    }

    fn signature(
        &mut self,
        name: Node<'t>,
        parts: &Captures<'t>,
        annotations: Vec<Annotation>,
        depth: usize,
    ) -> Function {
        let mut function = Function::module_init();
        function.name = self.name(name);
        function.name_span = span(name);
        function.owner = self.scope.class;
        function.owner_name = self.class_name();
        function.params = captured(parts, "parameters").map_or_else(Vec::new, |list| self.params(list, depth));
        function.results = captured(parts, "result").and_then(|ty| self.type_ref(ty)).into_iter().collect();
        let last = |a: &Annotation, wanted: &str| a.name.rsplit('.').next() == Some(wanted);
        let has = |wanted: &str| annotations.iter().any(|a| last(a, wanted));
        function.flags.is_async = captured(parts, "async").is_some();
        function.flags.is_static = has("staticmethod");
        function.flags.is_abstract = has("abstractmethod");
        function.flags.is_private = function.name.starts_with('_');
        function.flags.is_constructor = function.owner.is_some() && function.name == "__init__";
        function.annotations = annotations;
        function
    }

    fn class_name(&self) -> Ustr {
        let class = self.scope.class.and_then(|id| self.facts.types.get(id.0 as usize));
        class.map(|class| class.name).unwrap_or_default()
    }

    /// Puts a function into the arena, before what is nested in it.
    pub(super) fn declare(&mut self, mut function: Function) -> FunctionId {
        function.parent = Some(self.scope.function);
        self.facts.functions.push(function);
        FunctionId(u32::try_from(self.facts.functions.len() - 1).unwrap_or(u32::MAX))
    }

    fn function_body(&mut self, id: FunctionId, body: Option<Node<'t>>, depth: usize) {
        let outer = self.enter(id);
        let statements = body.map(|body| self.block(body, depth + 1)).unwrap_or_default();
        let yields = self.scope.yields;
        self.scope = outer;
        let is_interface = self.scope.class.is_some_and(|class| self.is_interface(class));
        if let Some(function) = self.facts.functions.get_mut(id.0 as usize) {
            function.flags.is_generator = yields;
            function.flags.is_abstract |= is_interface && statements.is_empty();
            function.body = statements;
        }
    }

    fn is_interface(&self, class: TypeId) -> bool {
        self.facts.types.get(class.0 as usize).is_some_and(|class| class.kind == TypeKind::Interface)
    }

    /// Steps into a function; gives the scope to return to.
    pub(super) fn enter(&mut self, id: FunctionId) -> Scope {
        let outer = self.scope;
        let instance = self.instance_of(id).or(if outer.class.is_some() { None } else { outer.instance });
        self.scope = Scope { function: id, class: None, instance, yields: false };
        outer
    }

    /// For a method: its class and what it calls the instance.
    fn instance_of(&self, id: FunctionId) -> Option<(TypeId, Ustr, bool)> {
        let function = self.facts.functions.get(id.0 as usize)?;
        let owner = function.owner?;
        if function.flags.is_static {
            return None;
        }
        let is_class = function.annotations.iter().any(|a| a.name == "classmethod");
        Some((owner, function.params.first()?.name, is_class))
    }

    /// Parameters of a function or lambda.
    pub(super) fn params(&mut self, list: Node<'t>, depth: usize) -> Vec<Param> {
        let mut cursor = list.walk();
        list.children(&mut cursor).filter_map(|node| self.param(node, depth)).collect()
    }

    fn param(&mut self, node: Node<'t>, depth: usize) -> Option<Param> {
        let name = match kind(node) {
            Kind::DefaultParameter | Kind::TypedDefaultParameter => field(node, Field::Name)?,
            Kind::TypedParameter => first_operand(node)?,
            Kind::Identifier | Kind::ListSplatPattern | Kind::DictionarySplatPattern | Kind::TuplePattern => node,
            _ => return None,
        };
        let ty = field(node, Field::Type);
        let metadata = ty.and_then(|ty| self.annotated_metadata(ty));
        let default = field(node, Field::Value).or(metadata);
        let (variadic, keywords) = (kind(name) == Kind::ListSplatPattern, kind(name) == Kind::DictionarySplatPattern);
        let plain = if variadic || keywords { first_operand(name)? } else { name };
        Some(Param {
            name: if kind(plain) == Kind::Identifier { self.name(plain) } else { Ustr::default() },
            ty: ty.and_then(|ty| self.type_ref(ty)),
            default: default.map(|value| self.expr(value, depth + 1)),
            variadic,
            keywords,
            annotations: Vec::new(),
            span: span(node),
        })
    }

    /// A class. Statements of its body that are no attributes run in the function that it stands in.
    pub(super) fn class(
        &mut self,
        node: Node<'t>,
        whole: Span,
        annotations: Vec<Annotation>,
        depth: usize,
        out: &mut Vec<u32>,
    ) {
        let parts = self.parts(node, &grammar::CLASSES);
        let Some(name) = captured(&parts, "name") else {
            return self.children_of_broken(node, depth, out);
        };
        let supers = captured(&parts, "supers");
        let bases = supers.map_or_else(Vec::new, |list| self.bases(list));
        let id = TypeId(u32::try_from(self.facts.types.len()).unwrap_or(u32::MAX));
        let simple_name = self.name(name);
        self.facts.types.push(TypeDecl {
            name: simple_name,
            kind: if has_base(&bases, "Protocol") { TypeKind::Interface } else { TypeKind::Class },
            is_abstract: has_base(&bases, "ABC") || supers.is_some_and(|list| self.text(list).contains("ABCMeta")),
            supers: bases,
            fields: Vec::new(),
            annotations,
            owner: self.scope.class,
            span: whole,
            name_span: span(name),
        });
        let outer = self.scope.class.replace(id);
        if let Some(body) = captured(&parts, "body") {
            self.statements(body, depth + 1, out);
        }
        self.scope.class = outer;
    }

    fn bases(&self, list: Node<'t>) -> Vec<TypeRef> {
        let all = operands(list).into_iter();
        let positional = all.filter(|base| {
            !matches!(kind(*base), Kind::KeywordArgument | Kind::ListSplat | Kind::DictionarySplat | Kind::Error)
        });
        positional.filter_map(|base| self.type_ref(base)).collect()
    }

    /// `name = value` and `name: T = value` in a class body.
    pub(super) fn class_attribute(&mut self, class: TypeId, name: Node<'t>, ty: Option<TypeRef>, init: Option<ExprId>) {
        self.add_field(class, name, ty, init, true);
    }

    /// `self.name = …` in a method.
    pub(super) fn instance_field(&mut self, target: Node<'t>, ty: Option<&TypeRef>) {
        let Some((class, own_name, is_class)) = self.scope.instance else { return };
        if kind(target) != Kind::Attribute {
            return;
        }
        let (Some(object), Some(name)) = (field(target, Field::Object), field(target, Field::Attribute)) else {
            return;
        };
        if kind(object) == Kind::Identifier && self.text(object) == own_name.as_str() {
            self.add_field(class, name, ty.cloned(), None, is_class);
        }
    }

    fn add_field(&mut self, class: TypeId, name: Node<'t>, ty: Option<TypeRef>, init: Option<ExprId>, is_static: bool) {
        let place = span(name);
        let name = self.name(name);
        if !self.known_fields.insert((class, name)) {
            return;
        }
        if let Some(class) = self.facts.types.get_mut(class.0 as usize) {
            let annotations = Vec::new();
            class.fields.push(TypeField {
                name,
                ty,
                init,
                embedded: false,
                annotations,
                span: place,
                is_static,
                is_private: false,
            });
        }
    }

    /// What can still be read of a definition without a name.
    fn children_of_broken(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        if depth < MAX_DEPTH {
            self.broken(node, depth + 1, out);
        }
    }
}

fn has_base(bases: &[TypeRef], name: &str) -> bool {
    bases.iter().any(|base| base.name.rsplit('.').next() == Some(name))
}
