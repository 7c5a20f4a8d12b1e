//! Snippets and what is made of them.

use crate::ir::{ExprId, ExprKind, FileFacts, FunctionId, LoopKind, Spread, Stmt, StmtKind, TypeKind};

fn parse(source: &str) -> FileFacts {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).expect("the grammar fits the library");
    let tree = parser.parse(source, None).expect("no timeout is set");
    super::lower(source, &tree)
}

/// An expression in a short form.
fn show(facts: &FileFacts, id: ExprId) -> String {
    let list = |ids: &[ExprId]| ids.iter().map(|id| show(facts, *id)).collect::<Vec<_>>().join(", ");
    match &facts.expr(id).kind {
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Str(text) => format!("'{text}'"),
        ExprKind::Lit(text) => text.to_string(),
        ExprKind::Member { base, name, .. } => format!("{}.{name}", show(facts, *base)),
        ExprKind::Call { callee, args } => {
            let args: Vec<_> = args
                .iter()
                .map(|arg| {
                    let name = arg.name.map(|name| format!("{name}=")).unwrap_or_default();
                    let stars = match arg.spread {
                        Spread::None => "",
                        Spread::List => "*",
                        Spread::Map => "**",
                    };
                    format!("{name}{stars}{}", show(facts, arg.value))
                })
                .collect();
            format!("{}({})", show(facts, *callee), args.join(", "))
        }
        ExprKind::Composite { fields, .. } => {
            let fields: Vec<_> = fields
                .iter()
                .map(|field| match field.key {
                    Some(key) => format!("{}: {}", show(facts, key), show(facts, field.value)),
                    None => show(facts, field.value),
                })
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        ExprKind::Closure(id) => format!("closure#{}", id.0),
        ExprKind::Index { base, index } => {
            format!("{}[{}]", show(facts, *base), index.map_or(":".to_owned(), |index| show(facts, index)))
        }
        ExprKind::Unary { op, operand } => format!("({op} {})", show(facts, *operand)),
        ExprKind::Binary { op, left, right } => format!("({} {op} {})", show(facts, *left), show(facts, *right)),
        ExprKind::Await(value) => format!("await {}", show(facts, *value)),
        ExprKind::Yield(value) => format!("yield {}", value.map(|value| show(facts, value)).unwrap_or_default()),
        ExprKind::Conditional { condition, then, otherwise } => {
            format!("{} ? {} : {}", show(facts, *condition), show(facts, *then), show(facts, *otherwise))
        }
        ExprKind::Assign { target, value } => format!("({} := {})", show(facts, *target), show(facts, *value)),
        ExprKind::Unknown(values) => format!("?({})", list(values)),
        other => format!("{other:?}"),
    }
}

/// A statement in a short form, blocks in braces.
fn show_stmt(facts: &FileFacts, stmt: &Stmt) -> String {
    let list = |ids: &[ExprId]| ids.iter().map(|id| show(facts, *id)).collect::<Vec<_>>().join(", ");
    match &stmt.kind {
        StmtKind::Expr(value) => show(facts, *value),
        StmtKind::Assign { targets, ty, values, .. } => {
            let ty = ty.as_ref().map(|ty| format!(": {}", ty.name)).unwrap_or_default();
            format!("{}{ty} = {}", list(targets), list(values))
        }
        StmtKind::Return(values) => format!("return {}", list(values)),
        StmtKind::If { condition, then, otherwise, .. } => {
            format!("if {} {{{}}} else {{{}}}", show(facts, *condition), block(facts, then), block(facts, otherwise))
        }
        StmtKind::Loop { kind, subject, targets, body, is_async, .. } => {
            let subject = subject.map(|subject| show(facts, subject)).unwrap_or_default();
            format!("loop {kind:?} {is_async} {} in {subject} {{{}}}", list(targets), block(facts, body))
        }
        StmtKind::Switch { subject, arms, exhaustive, .. } => {
            let arms: Vec<_> = arms.iter().map(|arm| format!("{{{}}}", block(facts, arm))).collect();
            let subject = subject.map(|subject| show(facts, subject)).unwrap_or_default();
            format!("switch {subject} {exhaustive} {}", arms.join(" "))
        }
        StmtKind::Try { body, handlers, otherwise, finally } => {
            let handlers: Vec<_> = handlers
                .iter()
                .map(|one| format!("except {} {{{}}}", one.binding.unwrap_or_default(), block(facts, &one.body)))
                .collect();
            let (otherwise, finally) = (block(facts, otherwise), block(facts, finally));
            format!("try {{{}}} {} else {{{otherwise}}} finally {{{finally}}}", block(facts, body), handlers.join(" "))
        }
        StmtKind::With { items, body, is_async } => {
            let items: Vec<_> = items
                .iter()
                .map(|item| {
                    let target = item.target.map(|target| format!(" as {}", show(facts, target))).unwrap_or_default();
                    format!("{}{target}", show(facts, item.value))
                })
                .collect();
            format!("with {is_async} {} {{{}}}", items.join(", "), block(facts, body))
        }
        StmtKind::Throw(value) => format!("throw {}", value.map(|value| show(facts, value)).unwrap_or_default()),
        StmtKind::Jump(_) => "jump".to_owned(),
        other => format!("{other:?}"),
    }
}

fn block(facts: &FileFacts, block: &[u32]) -> String {
    let all: Vec<_> = block.iter().map(|id| show_stmt(facts, &facts.stmts[*id as usize])).collect();
    all.join("; ")
}

fn body_of(facts: &FileFacts, function: usize) -> String {
    block(facts, &facts.functions[function].body)
}

/// The module level of a snippet that must parse.
fn module(source: &str) -> String {
    let facts = parse(source);
    assert!(!facts.has_errors, "{source}");
    body_of(&facts, 0)
}

#[test]
fn queries_compile() {
    use super::grammar::{CLASSES, FUNCTIONS, IMPORTS};
    assert!(IMPORTS.is_some() && FUNCTIONS.is_some() && CLASSES.is_some());
}

#[test]
fn imports_of_every_form() {
    let source = "\
from __future__ import annotations
import a.b
import a.b as ab, os
from m import x, y as z
from . import sib
from ..up.er import (p as q,
    r,)
from .rel import *
def f():
    try:
        from late import g
    except ImportError:
        import fallback
";
    let facts = parse(source);
    let all: Vec<_> =
        facts.imports.iter().map(|i| format!("{}={} ({}) @{}", i.local, i.target, i.module, i.function.0)).collect();
    assert_eq!(
        all,
        [
            "annotations=__future__.annotations (__future__) @0",
            "a=a (a.b) @0",
            "ab=a.b (a.b) @0",
            "os=os (os) @0",
            "x=m.x (m) @0",
            "z=m.y (m) @0",
            "sib=.sib (.) @0",
            "q=..up.er.p (..up.er) @0",
            "r=..up.er.r (..up.er) @0",
            "*=.rel (.rel) @0",
            "g=late.g (late) @1",
            "fallback=fallback (fallback) @1",
        ]
    );
}

#[test]
fn class_with_fields_and_methods() {
    let source = "\
@dataclass(frozen=True)
class A(Base, mod.Other[int], metaclass=Meta):
    '''Doc.'''
    limit: int = 3
    name = make()
    def __init__(self, client):
        self.client: Client = client
        self.client = other
        self.a, self.b = client
    @staticmethod
    def _make(x): ...
    @classmethod
    async def go(cls):
        cls.shared = 1
        await x
    class Inner:
        pass
";
    let facts = parse(source);
    let class = &facts.types[0];
    assert_eq!((class.name.as_str(), class.kind), ("A", TypeKind::Class));
    assert_eq!(class.supers.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["Base", "mod.Other"]);
    assert_eq!(class.annotations[0].name, "dataclass");
    let fields: Vec<_> = class
        .fields
        .iter()
        .map(|f| {
            let ty = f.ty.as_ref().map(|ty| ty.name.to_string()).unwrap_or_default();
            format!("{}:{ty}={} {}", f.name, f.init.map(|e| show(&facts, e)).unwrap_or_default(), f.is_static)
        })
        .collect();
    assert_eq!(
        fields,
        ["limit:int=3 true", "name:=make() true", "client:Client= false", "a:= false", "b:= false", "shared:= true"]
    );
    let [_, init, make, go] = &facts.functions[..] else { panic!("three methods") };
    assert!(init.flags.is_constructor && init.owner_name == "A" && init.owner.is_some());
    assert!(make.flags.is_static && make.flags.is_private && !make.flags.is_abstract);
    assert!(go.flags.is_async && go.annotations[0].name == "classmethod");
    assert_eq!(go.parent, Some(FunctionId(0)));
    assert_eq!(facts.types[1].owner.map(|id| id.0), Some(0));
    assert_eq!(body_of(&facts, 0), "");
    assert_eq!(body_of(&facts, 1), "self.client: Client = client; self.client = other; self.a, self.b = client");
}

#[test]
fn protocols_are_interfaces() {
    let facts = parse("class P(Protocol):\n    def f(self) -> int: ...\n    def g(self):\n        return 1\n");
    assert_eq!(facts.types[0].kind, TypeKind::Interface);
    assert!(facts.functions[1].flags.is_abstract && !facts.functions[2].flags.is_abstract);
    assert_eq!(facts.functions[1].results[0].name, "int");
}

#[test]
fn class_bodies_run_where_they_stand() {
    let source =
        "def f():\n    class A:\n        if x:\n            def m(self): pass\n        register(1)\n    return A\n";
    let facts = parse(source);
    assert_eq!(body_of(&facts, 1), "if x {} else {}; register(1); return A");
    assert_eq!(facts.functions[2].owner_name, "A");
    assert_eq!(facts.functions[2].parent, Some(FunctionId(1)));
}

#[test]
fn decorators_keep_name_and_expression() {
    let facts = parse("@app.get('/x', tags=[1])\n@plain\n@make(1)(2)\ndef f(): pass\n");
    let function = &facts.functions[1];
    let all: Vec<_> = function.annotations.iter().map(|a| format!("{} {}", a.name, show(&facts, a.expr))).collect();
    assert_eq!(all, ["app.get app.get('/x', tags={1})", "plain plain", "make make(1)(2)"]);
    assert_eq!((function.span.start, function.name_span.start), (0, 48));
}

#[test]
fn nested_definitions_create_closures() {
    let facts = parse("def f(a):\n    @wraps(a)\n    def g():\n        yield a\n    return lambda x=1, *y: (yield)\n");
    assert_eq!(body_of(&facts, 0), "");
    assert_eq!(body_of(&facts, 1), "g = closure#2; return closure#3");
    let [_, f, g, lambda] = &facts.functions[..] else { panic!("three functions") };
    assert!(!f.flags.is_generator && g.flags.is_generator && !g.flags.is_closure);
    assert!(lambda.flags.is_closure && lambda.params.len() == 2 && lambda.params[1].variadic);
    assert_eq!(g.parent, Some(FunctionId(1)));
    let declares = facts.stmts.iter().any(|stmt| matches!(stmt.kind, StmtKind::Assign { declares: true, .. }));
    assert!(declares);
}

#[test]
fn parameters_and_types() {
    let source = "\
def f(self, a: int | None = 1, /, b: Optional['x.Y'] = None, *args: str, k: 'list[Q]', \
u: Annotated[User, Depends(get)], v: typing.Annotated[V, q()] = w, c: Callable[[A], B] = g, \
l: Literal['a]'] = 1, z: Union[A, B, None] = 0, **kw) -> dict[str, list[T]] | None: pass
";
    let facts = parse(source);
    assert!(!facts.has_errors);
    let params: Vec<_> = facts.functions[1]
        .params
        .iter()
        .map(|p| {
            let ty = p.ty.as_ref().map(|t| {
                let args: Vec<_> = t.args.iter().map(|a| a.name.as_str()).collect();
                format!(":{}<{}>", t.name, args.join(","))
            });
            let default = p.default.map(|d| format!("={}", show(&facts, d))).unwrap_or_default();
            format!("{}{}{default}", p.name, ty.unwrap_or_default())
        })
        .collect();
    assert_eq!(
        params,
        [
            "self",
            "a:int<>=1",
            "b:x.Y<>=None",
            "args:str<>",
            "k:list<Q>",
            "u:User<>=Depends(get)",
            "v:V<>=w",
            "c:Callable<[],B>=g",
            "l:Literal<>=1",
            "z:Union<A,B>=0",
            "kw",
        ]
    );
    let function = &facts.functions[1];
    assert!(function.params[3].variadic && function.params[10].keywords);
    assert_eq!(function.results[0].name, "dict");
    assert_eq!(function.results[0].args[1].args[0].name, "T");
}

#[test]
fn annotated_metadata_of_a_dotted_name() {
    let facts = parse("def f(v: typing.Annotated[V, 'doc', q()]): pass\n");
    let param = &facts.functions[1].params[0];
    assert_eq!(param.default.map(|d| show(&facts, d)).as_deref(), Some("q()"));
}

#[test]
fn odd_types_do_not_hang() {
    for text in ["", "[", "X[", "X[[", "'X", "|", "a.", "1", "X[1:2, (a, b)]", "é.ü[ß]", "X[...", "*Ts", "\\"] {
        let _ = super::types::parse(text);
    }
    let _ = super::types::parse(&"X[".repeat(100_000));
    let _ = super::types::parse(&"(".repeat(100_000));
    let _ = super::types::parse(&"*".repeat(100_000));
}

#[test]
fn assignments() {
    assert_eq!(module("a = b = f()"), "a = f(); b = f()");
    assert_eq!(module("a, (b, c), *d = f()"), "a, {b, c}, d = f()");
    assert_eq!(module("a, b = 1, 2"), "a, b = 1, 2");
    assert_eq!(module("a, b = 1, *c"), "a, b = {1, (* c)}");
    assert_eq!(module("a = 1, 2"), "a = {1, 2}");
    assert_eq!(module("x: Optional[T]"), "x: T = ");
    assert_eq!(module("x.y[0] += 2"), "x.y[0] = (x.y[0] + 2)");
    assert_eq!(module("f(y := 1)"), "f((y := 1))");
}

#[test]
fn branches_and_loops() {
    assert_eq!(module("if a: f()\nelif b: g()\nelse: h()"), "if a {f()} else {if b {g()} else {h()}}");
    assert_eq!(
        module("for k, v in d.items():\n    continue\nelse:\n    done()"),
        "loop Each false k, v in d.items() {jump}; done()"
    );
    assert_eq!(module("while True: break"), "loop Forever false  in  {jump}");
    assert_eq!(module("while a < b: pass"), "loop While false  in (a < b) {}");
    assert_eq!(format!("{:?}", LoopKind::Each), "Each");
}

#[test]
fn with_of_every_form() {
    assert_eq!(module("with a() as b, c: f()"), "with false a() as b, c {f()}");
    assert_eq!(module("with (a() as b, c() as d):\n    f()"), "with false a() as b, c() as d {f()}");
    assert_eq!(module("with (a()):\n    f()"), "with false a() {f()}");
    assert_eq!(module("with (a() as b):\n    f()"), "with false a() as b {f()}");
    assert_eq!(module("with (a(), b()):\n    f()"), "with false a(), b() {f()}");
    assert_eq!(module("with a() as (b, c): f()"), "with false a() as {b, c} {f()}");
}

#[test]
fn try_of_every_form() {
    let source =
        "try:\n    a()\nexcept (E, F) as e:\n    b()\nexcept G:\n    raise H from e\nelse:\n    c()\nfinally:\n    d()";
    assert_eq!(module(source), "try {a()} except e {b()} except  {throw H} else {c()} finally {d()}");
    assert_eq!(module("try: a()\nexcept* E as e: b()"), "try {a()} except e {b()} else {} finally {}");
}

#[test]
fn match_arms() {
    let source = "\
match x:
    case Point(x=0, y=p) as q if p > 1:
        a()
    case [h, *t] | {'k': h, **t}:
        b()
    case Color.RED | 'x':
        c()
    case _:
        d()
";
    assert_eq!(module(source), "switch x true {p, q = ?(x); (p > 1); a()} {h, t, h, t = ?(x); b()} {c()} {d()}");
}

#[test]
fn other_statements() {
    assert_eq!(module("del a, b[0]"), "?({a, b[0]})");
    assert_eq!(module("assert a(), 'm'"), "?(a(), 'm')");
    assert_eq!(module("global a\nraise"), "throw ");
    assert_eq!(module("if __name__ == '__main__':\n    main()"), "if (__name__ == '__main__') {main()} else {}");
    let facts = parse("def f():\n    'doc'\n    return a, b\n");
    assert_eq!(body_of(&facts, 1), "return a, b");
}

#[test]
fn calls_and_arguments() {
    assert_eq!(module("f(a, k=b, *c, **d)"), "f(a, k=b, *c, **d)");
    assert_eq!(module("f(x for x in y())"), "f(?(y(), x))");
    assert_eq!(module("print('a', b)"), "print('a', b)");
    assert_eq!(module("f(  # why\n    a,\n)"), "f(a)");
}

#[test]
fn displays_and_operators() {
    assert_eq!(module("x = {'a': b, **c}"), "x = {'a': b, c}");
    assert_eq!(module("x = [1, (2,), {3}]"), "x = {1, {2}, {3}}");
    assert_eq!(module("x = {k(): v() for k, v in y() if z}"), "x = ?(y(), z, k(), v())");
    assert_eq!(module("x = not a and (b or -c)"), "x = ((not a) and (b or (- c)))");
    assert_eq!(module("x = a not in b"), "x = (a not in b)");
    assert_eq!(module("x = a < b < c"), "x = ?(a, b, c)");
    assert_eq!(module("x = a if b else c"), "x = b ? a : c");
    assert_eq!(module("x = a[1:2], a[b, c]"), "x = {a[:], a[{b, c}]}");
}

#[test]
fn strings() {
    assert_eq!(module("x = 'a' \"b\" r'''c'''"), "x = 'abc'");
    assert_eq!(module("x = f'plain'"), "x = 'plain'");
    assert_eq!(module("x = f'{a()}-{b!r:>10}' 'c'"), "x = ?(a(), b)");
    let long = format!("x = '{}'", "é".repeat(400));
    assert_eq!(module(&long), format!("x = '{}'", "é".repeat(128)));
}

#[test]
fn asynchronous_code() {
    let source =
        "async def f():\n    async with a() as b:\n        async for c in b:\n            await d(c)\n    yield 1\n";
    let facts = parse(source);
    assert!(facts.functions[1].flags.is_async && facts.functions[1].flags.is_generator);
    assert_eq!(body_of(&facts, 1), "with true a() as b {loop Each true c in b {await d(c)}}; yield 1");
}

#[test]
fn comments_to_hoplint() {
    let facts =
        parse("# @generated by x\n  # hoplint: ignore[a] why\nf()  # noqa, hoplint:  ignore[b]\nx = 'hoplint: no'\n");
    let all: Vec<_> = facts.directives.iter().map(|d| (d.line, d.own_line, d.text.as_str())).collect();
    assert_eq!(all, [(2, true, "ignore[a] why"), (3, false, "ignore[b]")]);
    assert!(facts.generated);
    assert!(!parse("x = 'DO NOT EDIT'\n").generated);
}

#[test]
fn broken_source_keeps_what_it_can() {
    let facts = parse("import a\ndef f(:\n    g()\ny = = k()\ndef ok(x):\n    return h(x)\n");
    assert!(facts.has_errors);
    assert_eq!(facts.imports.len(), 1);
    assert!(facts.functions.iter().any(|f| f.name == "ok"));
    assert_eq!(body_of(&facts, 0), "y = k()");
    let pieces = [
        "def",
        "class A(",
        "@",
        "f(",
        "x = ",
        "with",
        "try:\n",
        "if a",
        "match x:\n case",
        "lambda:",
        "from . import",
        "from x import (",
        "{**",
        "f'{",
        "a.",
        "for",
        "async",
        "\u{0}",
        "é",
        "print >>f, x\n",
        "exec 'x' in y\n",
        "return\n ",
    ];
    for a in pieces {
        for b in pieces {
            parse(&format!("{a}{b}"));
            parse(&format!("def f():\n  {a} {b}\n"));
        }
    }
}

#[test]
fn deep_nesting_is_cut() {
    let count = 100_000;
    let sources = [
        format!("x = {}y{}", "(".repeat(count), ")".repeat(count)),
        format!("x = a{}", ".b()".repeat(count)),
        format!("x = a{}", " + a".repeat(count)),
        format!("x = a{}", " and a".repeat(count)),
        format!("x = {}a", "not ".repeat(count)),
        format!("x = {}a", "lambda: ".repeat(count)),
        format!("x = {}", "[".repeat(count)),
        format!("if a: pass\n{}", "elif a: pass\n".repeat(1000)),
        format!("x = a{}", " if b else c".repeat(count)),
        format!("def f(x: {}y{}): pass", "A[".repeat(1000), "]".repeat(1000)),
    ];
    for source in &sources {
        let facts = parse(source);
        let head: String = source.chars().take(20).collect();
        assert!(facts.cuts > 0 || facts.has_errors || source.starts_with("def"), "{head}");
    }
}

#[test]
fn deep_blocks_fit_the_stack() {
    for opener in ["if a:", "def f():", "class A:", "with a:", "for a in b:", "try:", "while a:", "match a:\n  case b:"]
    {
        let mut source = String::new();
        for level in 0..400 {
            let indent = " ".repeat(level * 3);
            source.push_str(&opener.split('\n').map(|line| format!("{indent}{line}\n")).collect::<String>());
        }
        source.push_str(&format!("{}x\n", " ".repeat(1200)));
        let facts = parse(&source);
        assert!(facts.cuts > 0 || facts.has_errors, "{opener}");
    }
}

#[test]
fn long_lists_are_linear() {
    let many = "a.b(c, d=1)\n".repeat(50_000);
    assert_eq!(parse(&many).functions[0].body.len(), 50_000);
    let names: Vec<_> = (0..5_000).map(|i| format!("n{i}")).collect();
    assert_eq!(parse(&format!("from m import {}", names.join(", "))).imports.len(), 5_000);
    assert_eq!(module(&format!("x = [{}]", names.join(", "))).len(), names.join(", ").len() + 6);
    let chained = "a = ".repeat(20_000) + "1";
    assert!(!parse(&chained).functions[0].body.is_empty());
}
