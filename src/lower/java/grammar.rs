//! The grammar's numbers, looked up once: node kinds as an enum, field ids, and the compiled definition queries.
//!
//! Matching on a kind's name would compare strings for every node; the tables here make it one array access.

use smallvec::SmallVec;
use std::sync::LazyLock;
use tree_sitter::{Language, Node, Query, QueryCursor, StreamingIterator as _};

macro_rules! kinds {
    ($($variant:ident = $name:literal,)*) => {
        /// The node kinds that lowering tells apart; every other one is [`Kind::Other`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind { $(#[doc = $name] $variant,)* #[doc = "Any other."] Other }

        impl Kind {
            fn of_name(name: &str) -> Self {
                match name { $($name => Self::$variant,)* _ => Self::Other }
            }
        }
    };
}

kinds! {
    Error = "ERROR", LineComment = "line_comment", BlockComment = "block_comment",
    // Definitions.
    Package = "package_declaration", Import = "import_declaration", Asterisk = "asterisk",
    Class = "class_declaration", Record = "record_declaration", Enum = "enum_declaration",
    Interface = "interface_declaration", AnnotationType = "annotation_type_declaration",
    Field = "field_declaration", Constant = "constant_declaration", EnumConstant = "enum_constant",
    EnumBodyDeclarations = "enum_body_declarations", Method = "method_declaration",
    Constructor = "constructor_declaration", CompactConstructor = "compact_constructor_declaration",
    AnnotationElement = "annotation_type_element_declaration", StaticInitializer = "static_initializer",
    ClassBody = "class_body", Modifiers = "modifiers", Annotation = "annotation",
    MarkerAnnotation = "marker_annotation", ElementValuePair = "element_value_pair",
    FormalParameter = "formal_parameter", SpreadParameter = "spread_parameter",
    VariableDeclarator = "variable_declarator", TypeList = "type_list", Module = "module_declaration",
    Static = "static", Private = "private", Abstract = "abstract", Final = "final",
    // Statements.
    Block = "block", ConstructorBody = "constructor_body", ConstructorCall = "explicit_constructor_invocation",
    ExpressionStatement = "expression_statement", Labeled = "labeled_statement", If = "if_statement",
    While = "while_statement", Do = "do_statement", For = "for_statement", ForEach = "enhanced_for_statement",
    Assert = "assert_statement", Break = "break_statement", Continue = "continue_statement",
    Return = "return_statement", YieldStatement = "yield_statement", Synchronized = "synchronized_statement",
    Local = "local_variable_declaration", Throw = "throw_statement", Try = "try_statement",
    TryWithResources = "try_with_resources_statement", Catch = "catch_clause",
    CatchParameter = "catch_formal_parameter", Finally = "finally_clause", Resource = "resource",
    SwitchGroup = "switch_block_statement_group", SwitchRule = "switch_rule", SwitchLabel = "switch_label",
    Pattern = "pattern", TypePattern = "type_pattern", RecordPattern = "record_pattern", Guard = "guard",
    Default = "default",
    // Expressions.
    Identifier = "identifier", ScopedIdentifier = "scoped_identifier", This = "this", Super = "super",
    Parenthesized = "parenthesized_expression", Call = "method_invocation", FieldAccess = "field_access",
    New = "object_creation_expression", Lambda = "lambda_expression", MethodReference = "method_reference",
    Assignment = "assignment_expression", Binary = "binary_expression", Instanceof = "instanceof_expression",
    Ternary = "ternary_expression", Update = "update_expression", Unary = "unary_expression",
    Cast = "cast_expression", Switch = "switch_expression", ArrayAccess = "array_access",
    ArrayCreation = "array_creation_expression", DimensionsExpr = "dimensions_expr", Dimensions = "dimensions",
    ArrayInitializer = "array_initializer", ElementArray = "element_value_array_initializer",
    ClassLiteral = "class_literal", Str = "string_literal", Char = "character_literal",
    DecimalInteger = "decimal_integer_literal", HexInteger = "hex_integer_literal",
    OctalInteger = "octal_integer_literal", BinaryInteger = "binary_integer_literal",
    DecimalFloat = "decimal_floating_point_literal", HexFloat = "hex_floating_point_literal",
    True = "true", False = "false", Null = "null_literal", Increment = "++", Decrement = "--", NewToken = "new",
    // Types.
    TypeIdentifier = "type_identifier", ScopedType = "scoped_type_identifier", GenericType = "generic_type",
    ArrayType = "array_type", AnnotatedType = "annotated_type", TypeArguments = "type_arguments",
    Wildcard = "wildcard", VoidType = "void_type", IntegralType = "integral_type",
    FloatType = "floating_point_type", BooleanType = "boolean_type",
}

impl Kind {
    /// Whether the node is a comment.
    pub(super) fn is_comment(self) -> bool {
        matches!(self, Self::LineComment | Self::BlockComment)
    }

    /// Whether the node can only be a type; a `type_identifier` or a plain name may also be a value.
    pub(super) fn is_type(self) -> bool {
        matches!(
            self,
            Self::TypeIdentifier
                | Self::ScopedType
                | Self::GenericType
                | Self::ArrayType
                | Self::AnnotatedType
                | Self::VoidType
                | Self::IntegralType
                | Self::FloatType
                | Self::BooleanType
        )
    }
}

macro_rules! fields {
    ($($field:ident = $name:literal,)*) => {
        /// Field ids; a field the grammar does not have is 0, which no child carries.
        pub(super) struct Fields { $(pub(super) $field: u16,)* }

        impl Fields {
            fn of(language: &Language) -> Self {
                Self { $($field: language.field_id_for_name($name).map_or(0, |id| id.get()),)* }
            }
        }
    };
}

fields! {
    alternative = "alternative", arguments = "arguments", array = "array", body = "body", condition = "condition",
    consequence = "consequence", constructor = "constructor", declarator = "declarator", dimensions = "dimensions",
    element = "element", field = "field", index = "index", init = "init", key = "key", left = "left", name = "name",
    object = "object", operand = "operand", operator = "operator", parameters = "parameters", pattern = "pattern",
    resources = "resources", right = "right", ty = "type", update = "update", value = "value",
}

/// What a capture of a definition query stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `@name`
    Name,
    /// `@modifiers`
    Modifiers,
    /// `@supers`
    Supers,
    /// `@parameters`
    Parameters,
    /// `@type`
    Type,
    /// `@arguments`
    Arguments,
    /// `@body`
    Body,
}

impl Role {
    fn of_capture(name: &str) -> Option<Self> {
        Some(match name {
            "name" => Self::Name,
            "modifiers" => Self::Modifiers,
            "supers" => Self::Supers,
            "parameters" => Self::Parameters,
            "type" => Self::Type,
            "arguments" => Self::Arguments,
            "body" => Self::Body,
            _ => return None,
        })
    }
}

/// The parts of one definition, in the order in which they were found.
pub(super) struct Parts<'t>(SmallVec<[(Role, Node<'t>); 8]>);

impl<'t> Parts<'t> {
    /// The first part with this role.
    pub(super) fn get(&self, role: Role) -> Option<Node<'t>> {
        self.all(role).next()
    }

    /// All parts with this role.
    pub(super) fn all(&self, role: Role) -> impl Iterator<Item = Node<'t>> + '_ {
        self.0.iter().filter(move |part| part.0 == role).map(|part| part.1)
    }
}

/// One compiled query file with the meaning of its captures.
pub(super) struct Definitions {
    query: Option<Query>,
    roles: Vec<Option<Role>>,
}

impl Definitions {
    /// A query that does not compile finds nothing; a test makes sure that all of them do.
    fn new(language: &Language, text: &str) -> Self {
        let query = Query::new(language, text).ok();
        let names = query.as_ref().map(Query::capture_names).unwrap_or_default();
        let roles = names.iter().map(|name| Role::of_capture(name)).collect();
        Self { query, roles }
    }

    /// Whether the query compiled and all its captures have a meaning.
    #[cfg(test)]
    pub(super) fn is_valid(&self) -> bool {
        self.query.is_some() && self.roles.iter().all(Option::is_some)
    }

    /// The parts of this one node; `cursor` must be limited to start at the node itself.
    pub(super) fn parts<'t>(&self, cursor: &mut QueryCursor, node: Node<'t>, source: &str) -> Parts<'t> {
        let mut parts = SmallVec::new();
        if let Some(query) = &self.query {
            let mut matches = cursor.matches(query, node, source.as_bytes());
            while let Some(found) = matches.next() {
                for capture in found.captures() {
                    let role = self.roles.get(capture.index as usize).copied().flatten();
                    parts.extend(role.map(|role| (role, capture.node)));
                }
            }
        }
        parts.sort_by_key(|part: &(Role, Node<'t>)| part.1.start_byte());
        Parts(parts)
    }
}

/// Everything looked up once for the grammar.
pub(super) struct Grammar {
    kinds: Vec<Kind>,
    /// Field ids.
    pub(super) fields: Fields,
    /// `types.scm`
    pub(super) types: Definitions,
    /// `methods.scm`
    pub(super) methods: Definitions,
}

impl Grammar {
    fn new() -> Self {
        let language = Language::new(tree_sitter_java::LANGUAGE);
        let count = u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
        let kinds = (0..count).map(|id| Kind::of_name(language.node_kind_for_id(id).unwrap_or_default())).collect();
        Self {
            kinds,
            fields: Fields::of(&language),
            types: Definitions::new(&language, include_str!("../../../queries/java/types.scm")),
            methods: Definitions::new(&language, include_str!("../../../queries/java/methods.scm")),
        }
    }

    /// The kind of a node. The error node's id lies outside the table.
    pub(super) fn kind(&self, node: Node<'_>) -> Kind {
        let id = node.kind_id();
        self.kinds.get(id as usize).copied().unwrap_or(if id == u16::MAX { Kind::Error } else { Kind::Other })
    }
}

/// The one grammar table.
pub(super) static GRAMMAR: LazyLock<Grammar> = LazyLock::new(Grammar::new);
