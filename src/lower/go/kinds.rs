//! Node kinds and fields by number, because comparing names for every node would cost more than the lowering.

use std::sync::LazyLock;
use tree_sitter::{Language, Node};

/// The grammar.
pub(super) static GRAMMAR: LazyLock<Language> = LazyLock::new(|| tree_sitter_go::LANGUAGE.into());

/// Declares [`Kind`] and the table from the grammar's numbers.
macro_rules! kinds {
    ($($variant:ident $name:literal,)*) => {
        /// The kinds of nodes that lowering tells apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind {
            $(#[doc = $name] $variant,)*
            /// A keyword, an operator or punctuation.
            Token,
            /// Everything else, errors included.
            Other,
        }

        impl Kind {
            fn from_name(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)*
                    _ => Self::Other,
                }
            }
        }
    };
}

kinds! {
    ArgumentList "argument_list",
    ArrayType "array_type",
    AssignmentStatement "assignment_statement",
    BinaryExpression "binary_expression",
    BlankIdentifier "blank_identifier",
    Block "block",
    BreakStatement "break_statement",
    CallExpression "call_expression",
    ChannelType "channel_type",
    Comment "comment",
    CommunicationCase "communication_case",
    CompositeLiteral "composite_literal",
    ConstDeclaration "const_declaration",
    ConstSpec "const_spec",
    ContinueStatement "continue_statement",
    DecStatement "dec_statement",
    DefaultCase "default_case",
    DeferStatement "defer_statement",
    EmptyStatement "empty_statement",
    ExpressionCase "expression_case",
    ExpressionStatement "expression_statement",
    ExpressionSwitchStatement "expression_switch_statement",
    FallthroughStatement "fallthrough_statement",
    False "false",
    FieldDeclaration "field_declaration",
    FieldDeclarationList "field_declaration_list",
    FieldIdentifier "field_identifier",
    FloatLiteral "float_literal",
    ForClause "for_clause",
    ForStatement "for_statement",
    FuncLiteral "func_literal",
    FunctionDeclaration "function_declaration",
    FunctionType "function_type",
    GenericType "generic_type",
    GoStatement "go_statement",
    GotoStatement "goto_statement",
    Identifier "identifier",
    IfStatement "if_statement",
    ImaginaryLiteral "imaginary_literal",
    ImplicitLengthArrayType "implicit_length_array_type",
    ImportDeclaration "import_declaration",
    ImportSpec "import_spec",
    ImportSpecList "import_spec_list",
    IncStatement "inc_statement",
    IndexExpression "index_expression",
    InterfaceType "interface_type",
    InterpretedStringLiteral "interpreted_string_literal",
    IntLiteral "int_literal",
    Iota "iota",
    KeyedElement "keyed_element",
    LabeledStatement "labeled_statement",
    LabelName "label_name",
    LiteralElement "literal_element",
    LiteralValue "literal_value",
    MapType "map_type",
    MethodDeclaration "method_declaration",
    MethodElem "method_elem",
    NegatedType "negated_type",
    Nil "nil",
    PackageClause "package_clause",
    PackageIdentifier "package_identifier",
    ParameterDeclaration "parameter_declaration",
    ParameterList "parameter_list",
    ParenthesizedExpression "parenthesized_expression",
    ParenthesizedType "parenthesized_type",
    PointerType "pointer_type",
    QualifiedType "qualified_type",
    RangeClause "range_clause",
    RawStringLiteral "raw_string_literal",
    ReceiveStatement "receive_statement",
    ReturnStatement "return_statement",
    RuneLiteral "rune_literal",
    SelectorExpression "selector_expression",
    SelectStatement "select_statement",
    SendStatement "send_statement",
    ShortVarDeclaration "short_var_declaration",
    SliceExpression "slice_expression",
    SliceType "slice_type",
    StatementList "statement_list",
    StructType "struct_type",
    True "true",
    TypeAlias "type_alias",
    TypeAssertionExpression "type_assertion_expression",
    TypeArguments "type_arguments",
    TypeCase "type_case",
    TypeConversionExpression "type_conversion_expression",
    TypeDeclaration "type_declaration",
    TypeElem "type_elem",
    TypeIdentifier "type_identifier",
    TypeInstantiationExpression "type_instantiation_expression",
    TypeSpec "type_spec",
    TypeSwitchStatement "type_switch_statement",
    UnaryExpression "unary_expression",
    VarDeclaration "var_declaration",
    VariadicArgument "variadic_argument",
    VariadicParameterDeclaration "variadic_parameter_declaration",
    VarSpec "var_spec",
    VarSpecList "var_spec_list",
}

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let count = u16::try_from(GRAMMAR.node_kind_count()).unwrap_or(u16::MAX);
    (0..count)
        .map(|id| match GRAMMAR.node_kind_is_named(id) {
            true => GRAMMAR.node_kind_for_id(id).map_or(Kind::Other, Kind::from_name),
            false => Kind::Token,
        })
        .collect()
});

/// The kind of a node.
pub(super) fn kind(node: Node<'_>) -> Kind {
    KINDS.get(usize::from(node.kind_id())).copied().unwrap_or(Kind::Other)
}

/// Whether a node is named and no comment, with the one look-up that costs.
pub(super) fn counts(node: &Node<'_>) -> bool {
    !matches!(kind(*node), Kind::Token | Kind::Comment)
}

/// Declares [`Fields`].
macro_rules! fields {
    ($($field:ident $name:literal,)*) => {
        /// Numbers of the grammar's fields; 0, which no field has, for one that the grammar does not know.
        pub(super) struct Fields {
            $(#[doc = $name] pub(super) $field: u16,)*
        }

        /// The grammar's fields.
        pub(super) static FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields {
            $($field: GRAMMAR.field_id_for_name($name).map_or(0, std::num::NonZeroU16::get),)*
        });
    };
}

fields! {
    alias "alias",
    alternative "alternative",
    arguments "arguments",
    body "body",
    channel "channel",
    communication "communication",
    condition "condition",
    consequence "consequence",
    element "element",
    field "field",
    function "function",
    index "index",
    initializer "initializer",
    key "key",
    left "left",
    name "name",
    operand "operand",
    operator "operator",
    package "package",
    parameters "parameters",
    result "result",
    right "right",
    ty "type",
    type_arguments "type_arguments",
    update "update",
    value "value",
}
