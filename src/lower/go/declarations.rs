//! File-level definitions: the package clause, imports and functions.

use super::kinds::{FIELDS, GRAMMAR, Kind, kind};
use super::{Lowerer, Nodes, comments, span, unquote};
use crate::ir::{Function, FunctionFlags, FunctionId, Import, Param, Span, TypeId, TypeRef};
use std::sync::LazyLock;
use tree_sitter::{Node, Query, StreamingIterator};
use ustr::Ustr;

/// A query whose captures are the fields of [`Parts`].
pub(super) type Definition = LazyLock<Option<Query>>;

static IMPORTS: Definition =
    LazyLock::new(|| Query::new(&GRAMMAR, include_str!("../../../queries/go/imports.scm")).ok());
static FUNCTIONS: Definition =
    LazyLock::new(|| Query::new(&GRAMMAR, include_str!("../../../queries/go/functions.scm")).ok());
/// Named types and struct fields.
pub(super) static TYPES: Definition =
    LazyLock::new(|| Query::new(&GRAMMAR, include_str!("../../../queries/go/types.scm")).ok());

/// Whether every query suits the grammar; a broken one would silently find nothing.
#[cfg(test)]
pub(super) fn queries_compile() -> bool {
    [&IMPORTS, &FUNCTIONS, &TYPES].iter().all(|query| query.is_some())
}

/// What the queries capture of a definition.
#[derive(Default)]
pub(super) struct Parts<'t> {
    pub(super) names: Nodes<'t>,
    pub(super) ty: Option<Node<'t>>,
    alias: Option<Node<'t>>,
    path: Option<Node<'t>>,
    receiver: Option<Node<'t>>,
    parameters: Option<Node<'t>>,
    result: Option<Node<'t>>,
    body: Option<Node<'t>>,
}

impl<'t> Parts<'t> {
    /// The definition's name.
    pub(super) fn name(&self) -> Option<Node<'t>> {
        self.names.first().copied()
    }

    fn set(&mut self, capture: &str, node: Node<'t>) {
        match capture {
            // Alternatives of one pattern may capture the same name again.
            "name" if self.names.last() != Some(&node) => self.names.push(node),
            "type" => self.ty = Some(node),
            "alias" => self.alias = Some(node),
            "path" => self.path = Some(node),
            "receiver" => self.receiver = Some(node),
            "parameters" => self.parameters = Some(node),
            "result" => self.result = Some(node),
            "body" => self.body = Some(node),
            _ => {}
        }
    }
}

impl<'t> Lowerer<'t> {
    /// What a query finds on one node.
    pub(super) fn parts(&mut self, definition: &'static Definition, node: Node<'t>) -> Parts<'t> {
        let mut parts = Parts::default();
        let Some(query) = definition.as_ref() else { return parts };
        let names = query.capture_names();
        let mut matches = self.queries.matches(query, node, self.source.as_bytes());
        while let Some(found) = matches.next() {
            for capture in found.captures() {
                let name = names.get(capture.index as usize).copied().unwrap_or_default();
                parts.set(name, capture.node);
            }
        }
        parts
    }

    /// The whole file: types first, so that methods find their owners.
    pub(super) fn file(&mut self, root: Node<'t>) {
        let top = self.top_level(root);
        self.package(&top);
        for node in top.iter().filter(|node| kind(**node) == Kind::TypeDeclaration) {
            self.type_declaration(*node);
        }
        let mut load_time = Vec::new();
        for node in top {
            match kind(node) {
                Kind::PackageClause | Kind::TypeDeclaration => {}
                Kind::ImportDeclaration => self.imports(node),
                Kind::FunctionDeclaration | Kind::MethodDeclaration => self.function(node),
                _ => self.statement(node, &mut load_time),
            }
        }
        if let Some(init) = self.facts.functions.first_mut() {
            init.body = load_time.into();
            init.span = span(root);
        }
    }

    /// The file's declarations; those inside an error node count as the file's own.
    fn top_level(&mut self, root: Node<'t>) -> Vec<Node<'t>> {
        let mut found = Vec::new();
        for child in self.named(root) {
            if child.is_error() {
                found.extend(self.named(child));
            } else {
                found.push(child);
            }
        }
        found
    }

    fn package(&mut self, top: &[Node<'t>]) {
        let clause = top.iter().copied().find(|node| kind(*node) == Kind::PackageClause);
        let end = clause.map_or(self.source.len(), |clause| clause.start_byte());
        self.facts.generated = comments::generated(self.source.get(..end).unwrap_or_default());
        if let Some(name) = clause.and_then(|clause| self.first_named(clause)) {
            self.facts.package = self.name(name);
        }
    }

    /// An `import` declaration, grouped or not.
    pub(super) fn imports(&mut self, node: Node<'t>) {
        for child in self.named(node) {
            match kind(child) {
                Kind::ImportSpec => self.import(child),
                Kind::ImportSpecList => {
                    for spec in self.named(child) {
                        self.import(spec);
                    }
                }
                _ => {}
            }
        }
    }

    fn import(&mut self, node: Node<'t>) {
        let parts = self.parts(&IMPORTS, node);
        let Some(path) = parts.path else { return };
        let target = Ustr::from(unquote(self.text(path)));
        let local = parts.alias.map(|alias| self.name(alias)).unwrap_or_default();
        self.facts.imports.push(Import {
            local,
            target,
            module: target,
            is_static: false,
            span: span(node),
            function: FunctionId(0),
        });
    }

    /// A function or method.
    pub(super) fn function(&mut self, node: Node<'t>) {
        let parts = self.parts(&FUNCTIONS, node);
        let Some(name) = parts.name() else { return self.loose_body(node) };
        let mut function = self.signature(name, &parts);
        function.span = span(node);
        function.flags.is_abstract = parts.body.is_none();
        function.receiver = parts.receiver.and_then(|list| self.params(list).into_iter().next());
        let receiver_type = function.receiver.as_ref().and_then(|receiver| receiver.ty.as_ref());
        function.owner_name = receiver_type.map(|ty| ty.name).unwrap_or_default();
        function.owner = self.types.get(&function.owner_name).copied();
        let id = self.add_function(function);
        if let Some(body) = parts.body {
            self.function_body(id, body);
        }
    }

    /// A function too broken to have a name: its statements are kept in a nameless one rather than lost.
    fn loose_body(&mut self, node: Node<'t>) {
        let Some(body) = node.child_by_field_id(FIELDS.body) else { return };
        let function = Function { parent: Some(self.function), span: span(node), ..Function::module_init() };
        let id = self.add_function(function);
        self.function_body(id, body);
    }

    /// A method spec of an interface.
    pub(super) fn method_spec(&mut self, node: Node<'t>, owner: TypeId) {
        let parts = self.parts(&FUNCTIONS, node);
        let Some(name) = parts.name() else { return };
        let mut function = self.signature(name, &parts);
        function.span = span(node);
        function.flags.is_abstract = true;
        function.owner = Some(owner);
        function.owner_name = self.facts.types.get(owner.0 as usize).map(|ty| ty.name).unwrap_or_default();
        self.add_function(function);
    }

    fn signature(&mut self, name: Node<'t>, parts: &Parts<'t>) -> Function {
        let (results, result_names) = self.results(parts.result);
        let text = self.text(name);
        let is_private = !text.chars().next().is_some_and(char::is_uppercase);
        Function {
            name: Ustr::from(text),
            params: parts.parameters.map(|list| self.params(list)).unwrap_or_default(),
            results,
            result_names,
            parent: Some(self.function),
            flags: FunctionFlags { is_private, ..FunctionFlags::default() },
            name_span: span(name),
            ..Function::module_init()
        }
    }

    /// A function literal.
    pub(super) fn closure(&mut self, node: Node<'t>) -> FunctionId {
        let (results, result_names) = self.results(node.child_by_field_id(FIELDS.result));
        let params = node.child_by_field_id(FIELDS.parameters).map(|list| self.params(list)).unwrap_or_default();
        let id = self.add_function(Function {
            params,
            results,
            result_names,
            parent: Some(self.function),
            flags: FunctionFlags { is_closure: true, ..FunctionFlags::default() },
            span: span(node),
            name_span: Span::new(node.start_byte(), node.start_byte() + "func".len()),
            ..Function::module_init()
        });
        if let Some(body) = node.child_by_field_id(FIELDS.body) {
            self.function_body(id, body);
        }
        id
    }

    /// Adds a function before its body is lowered, so that closures in it come after it.
    fn add_function(&mut self, function: Function) -> FunctionId {
        self.facts.functions.push(function);
        FunctionId(u32::try_from(self.facts.functions.len() - 1).unwrap_or(u32::MAX))
    }

    fn function_body(&mut self, id: FunctionId, body: Node<'t>) {
        if !self.bodies {
            return;
        }
        let outer = std::mem::replace(&mut self.function, id);
        let statements = self.block(body);
        self.function = outer;
        if let Some(function) = self.facts.functions.get_mut(id.0 as usize) {
            function.body = statements;
        }
    }

    /// The parameters of a list, one for each name; an unnamed one has an empty name.
    pub(super) fn params(&mut self, list: Node<'t>) -> Vec<Param> {
        let mut params = Vec::new();
        for declaration in self.named(list) {
            let variadic = match kind(declaration) {
                Kind::ParameterDeclaration => false,
                Kind::VariadicParameterDeclaration => true,
                _ => continue,
            };
            let ty = self.type_of(declaration);
            let names = self.under(declaration, FIELDS.name);
            if names.is_empty() {
                params.push(param(Ustr::default(), ty, variadic, span(declaration)));
                continue;
            }
            for name in names {
                params.push(param(self.name(name), ty.clone(), variadic, span(declaration)));
            }
        }
        params
    }

    fn results(&mut self, result: Option<Node<'t>>) -> (Vec<TypeRef>, Vec<Ustr>) {
        let Some(result) = result else { return (Vec::new(), Vec::new()) };
        if kind(result) != Kind::ParameterList {
            return (vec![self.type_ref(result)], Vec::new());
        }
        let params = self.params(result);
        let named = params.iter().any(|param| !param.name.is_empty());
        let names = if named { params.iter().map(|param| param.name).collect() } else { Vec::new() };
        (params.into_iter().map(|param| param.ty.unwrap_or_default()).collect(), names)
    }
}

fn param(name: Ustr, ty: Option<TypeRef>, variadic: bool, span: Span) -> Param {
    Param { name, ty, default: None, variadic, keywords: false, annotations: Vec::new(), span }
}
