//! Names of the Python grammar as numbers, so that the walk compares integers instead of strings.

use std::sync::LazyLock;
use tree_sitter::{Language, Node, Query, QueryCursor, StreamingIterator as _};

/// The compiled grammar.
static LANGUAGE: LazyLock<Language> = LazyLock::new(|| tree_sitter_python::LANGUAGE.into());

macro_rules! kinds {
    ($($variant:ident = $name:literal,)*) => {
        /// The node kinds that lowering tells apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind {
            /// An ERROR node.
            Error,
            /// Punctuation and keywords.
            Token,
            /// The keyword `async`.
            AsyncToken,
            /// A named node without a rule of its own.
            Other,
            $(#[doc = $name] $variant,)*
        }

        impl Kind {
            fn named(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)*
                    _ => Self::Other,
                }
            }
        }
    };
}

kinds! {
    AsPattern = "as_pattern",
    AsPatternTarget = "as_pattern_target",
    AssertStatement = "assert_statement",
    Assignment = "assignment",
    Attribute = "attribute",
    AugmentedAssignment = "augmented_assignment",
    Await = "await",
    BinaryOperator = "binary_operator",
    Block = "block",
    BooleanOperator = "boolean_operator",
    BreakStatement = "break_statement",
    Call = "call",
    CaseClause = "case_clause",
    CasePattern = "case_pattern",
    ClassDefinition = "class_definition",
    ClassPattern = "class_pattern",
    Comment = "comment",
    ComparisonOperator = "comparison_operator",
    ConcatenatedString = "concatenated_string",
    ConditionalExpression = "conditional_expression",
    ContinueStatement = "continue_statement",
    DecoratedDefinition = "decorated_definition",
    Decorator = "decorator",
    DefaultParameter = "default_parameter",
    DeleteStatement = "delete_statement",
    Dictionary = "dictionary",
    DictionaryComprehension = "dictionary_comprehension",
    DictionarySplat = "dictionary_splat",
    DictionarySplatPattern = "dictionary_splat_pattern",
    DottedName = "dotted_name",
    ElifClause = "elif_clause",
    Ellipsis = "ellipsis",
    ElseClause = "else_clause",
    ExceptClause = "except_clause",
    ExpressionList = "expression_list",
    ExpressionStatement = "expression_statement",
    False = "false",
    FinallyClause = "finally_clause",
    Float = "float",
    ForInClause = "for_in_clause",
    ForStatement = "for_statement",
    FunctionDefinition = "function_definition",
    FutureImportStatement = "future_import_statement",
    GeneratorExpression = "generator_expression",
    GenericType = "generic_type",
    GlobalStatement = "global_statement",
    Identifier = "identifier",
    IfClause = "if_clause",
    IfStatement = "if_statement",
    ImportFromStatement = "import_from_statement",
    ImportStatement = "import_statement",
    Integer = "integer",
    Interpolation = "interpolation",
    KeywordArgument = "keyword_argument",
    KeywordPattern = "keyword_pattern",
    KeywordSeparator = "keyword_separator",
    Lambda = "lambda",
    LineContinuation = "line_continuation",
    List = "list",
    ListComprehension = "list_comprehension",
    ListPattern = "list_pattern",
    ListSplat = "list_splat",
    ListSplatPattern = "list_splat_pattern",
    MatchStatement = "match_statement",
    Module = "module",
    NamedExpression = "named_expression",
    None = "none",
    NonlocalStatement = "nonlocal_statement",
    NotOperator = "not_operator",
    Pair = "pair",
    Parameters = "parameters",
    ParenthesizedExpression = "parenthesized_expression",
    ParenthesizedListSplat = "parenthesized_list_splat",
    PassStatement = "pass_statement",
    PatternList = "pattern_list",
    PositionalSeparator = "positional_separator",
    RaiseStatement = "raise_statement",
    ReturnStatement = "return_statement",
    Set = "set",
    SetComprehension = "set_comprehension",
    Slice = "slice",
    SplatPattern = "splat_pattern",
    String = "string",
    StringContent = "string_content",
    StringEnd = "string_end",
    StringStart = "string_start",
    Subscript = "subscript",
    True = "true",
    TryStatement = "try_statement",
    Tuple = "tuple",
    TuplePattern = "tuple_pattern",
    Type = "type",
    TypeAliasStatement = "type_alias_statement",
    TypeParameter = "type_parameter",
    TypedDefaultParameter = "typed_default_parameter",
    TypedParameter = "typed_parameter",
    UnaryOperator = "unary_operator",
    WhileStatement = "while_statement",
    WithClause = "with_clause",
    WithItem = "with_item",
    WithStatement = "with_statement",
    Yield = "yield",
}

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    (0..LANGUAGE.node_kind_count())
        .filter_map(|id| u16::try_from(id).ok())
        .map(|id| {
            let name = LANGUAGE.node_kind_for_id(id).unwrap_or_default();
            match (LANGUAGE.node_kind_is_named(id), name) {
                (true, _) => Kind::named(name),
                (false, "async") => Kind::AsyncToken,
                (false, _) => Kind::Token,
            }
        })
        .collect()
});

/// The kind of a node.
pub(super) fn kind(node: Node<'_>) -> Kind {
    KINDS.get(usize::from(node.kind_id())).copied().unwrap_or(Kind::Error)
}

macro_rules! fields {
    ($($variant:ident = $name:literal,)*) => {
        /// The fields that lowering asks for.
        #[derive(Debug, Clone, Copy)]
        pub(super) enum Field {
            $(#[doc = $name] $variant,)*
        }

        static FIELDS: LazyLock<Vec<u16>> = LazyLock::new(|| {
            [$($name),*].iter().map(|name| LANGUAGE.field_id_for_name(name).map_or(0, Into::into)).collect()
        });
    };
}

fields! {
    Alias = "alias",
    Arguments = "arguments",
    Attribute = "attribute",
    Body = "body",
    Condition = "condition",
    Consequence = "consequence",
    Definition = "definition",
    Expression = "expression",
    Function = "function",
    Guard = "guard",
    Key = "key",
    Left = "left",
    Name = "name",
    Object = "object",
    Operator = "operator",
    Parameters = "parameters",
    Right = "right",
    Type = "type",
    Value = "value",
}

/// The child that a node has in a field.
pub(super) fn field<'t>(node: Node<'t>, field: Field) -> Option<Node<'t>> {
    node.child_by_field_id(FIELDS.get(field as usize).copied().unwrap_or(0))
}

/// Whether a child carries no meaning of its own: punctuation, keyword, comment, line continuation.
pub(super) fn is_trivia(node: Node<'_>) -> bool {
    matches!(kind(node), Kind::Token | Kind::AsyncToken | Kind::Comment | Kind::LineContinuation)
}

/// The first child that carries meaning.
pub(super) fn first_operand(node: Node<'_>) -> Option<Node<'_>> {
    let first = node.named_child(0).filter(|child| !is_trivia(*child));
    first.or_else(|| operands(node).first().copied())
}

/// All children that carry meaning.
pub(super) fn operands(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).filter(|child| !is_trivia(*child)).collect()
}

/// Whether a statement starts with `async`.
pub(super) fn is_async(node: Node<'_>) -> bool {
    node.child(0).is_some_and(|child| kind(child) == Kind::AsyncToken)
}

fn compile(text: &str) -> Option<Query> {
    Query::new(&LANGUAGE, text).ok()
}

/// What an import looks like.
pub(super) static IMPORTS: LazyLock<Option<Query>> =
    LazyLock::new(|| compile(include_str!("../../../queries/python/imports.scm")));
/// What a function looks like.
pub(super) static FUNCTIONS: LazyLock<Option<Query>> =
    LazyLock::new(|| compile(include_str!("../../../queries/python/functions.scm")));
/// What a class looks like.
pub(super) static CLASSES: LazyLock<Option<Query>> =
    LazyLock::new(|| compile(include_str!("../../../queries/python/classes.scm")));

/// One match: the captured nodes with the names of their captures.
pub(super) type Captures<'t> = Vec<(&'static str, Node<'t>)>;

/// Runs a query on one node without looking at what is nested in it.
pub(super) fn captures<'t>(
    cursor: &mut QueryCursor,
    query: &'static Option<Query>,
    node: Node<'t>,
    source: &str,
) -> Vec<Captures<'t>> {
    let Some(query) = query else { return Vec::new() };
    let names: &'static [&'static str] = query.capture_names();
    let mut found = Vec::new();
    let mut matches = cursor.matches(query, node, source.as_bytes());
    while let Some(matched) = matches.next() {
        let captured = matched.captures().iter();
        found.push(captured.filter_map(|c| Some((*names.get(c.index as usize)?, c.node))).collect());
    }
    found
}

/// The node that one match captured under a name.
pub(super) fn captured<'t>(captures: &Captures<'t>, name: &str) -> Option<Node<'t>> {
    captures.iter().find(|(label, _)| *label == name).map(|(_, node)| *node)
}
