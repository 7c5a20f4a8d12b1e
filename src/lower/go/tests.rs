//! Lowering of Go, from source text to facts.

use super::{declarations, kinds, lower};
use crate::ir::{Expr, ExprId, ExprKind, FileFacts, Function, LoopKind, Stmt, StmtKind, TypeKind, TypeRef};
use crate::parse::Depth;

fn facts(source: &str) -> FileFacts {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&kinds::GRAMMAR).expect("the grammar suits this tree-sitter");
    let tree = parser.parse(source, None).expect("no timeout is set");
    lower(source, &tree, Depth::Whole)
}

/// The facts of a function body.
fn body_facts(body: &str) -> FileFacts {
    let facts = facts(&format!("package p\nfunc f() {{\n{body}\n}}\n"));
    assert!(!facts.has_errors, "the snippet does not parse: {body}");
    facts
}

fn function<'f>(facts: &'f FileFacts, name: &str) -> &'f Function {
    facts.functions.iter().find(|function| function.name == name).expect("function")
}

/// The statements of a block in short form.
fn block(facts: &FileFacts, ids: &[u32]) -> String {
    ids.iter().map(|id| stmt(facts, &facts.stmts[*id as usize])).collect::<Vec<_>>().join("; ")
}

fn body(source: &str) -> String {
    let facts = body_facts(source);
    block(&facts, &function(&facts, "f").body)
}

fn list(facts: &FileFacts, ids: &[ExprId]) -> String {
    ids.iter().map(|id| show(facts, *id)).collect::<Vec<_>>().join(", ")
}

fn stmt(facts: &FileFacts, stmt: &Stmt) -> String {
    match &stmt.kind {
        StmtKind::Expr(value) => show(facts, *value),
        StmtKind::Assign { targets, ty, values, declares } => {
            let ty = ty.as_ref().map(|ty| format!(" {}", type_name(ty))).unwrap_or_default();
            let op = if *declares { ":=" } else { "=" };
            format!("{}{ty} {op} {}", list(facts, targets), list(facts, values))
        }
        StmtKind::Return(values) => format!("return {}", list(facts, values)),
        StmtKind::If { init, condition, then, otherwise } => format!(
            "if [{}] {} {{{}}} else {{{}}}",
            block(facts, init),
            show(facts, *condition),
            block(facts, then),
            block(facts, otherwise)
        ),
        StmtKind::Loop { kind, init, subject, targets, body, .. } => format!(
            "{kind:?} [{}] {} in {} {{{}}}",
            block(facts, init),
            list(facts, targets),
            subject.map(|subject| show(facts, subject)).unwrap_or_default(),
            block(facts, body)
        ),
        StmtKind::Switch { init, subject, arms, exhaustive } => format!(
            "switch{} [{}] {} {{{}}}",
            if *exhaustive { "!" } else { "" },
            block(facts, init),
            subject.map(|subject| show(facts, subject)).unwrap_or_default(),
            arms.iter().map(|arm| block(facts, arm)).collect::<Vec<_>>().join(" | ")
        ),
        StmtKind::Defer(call) => format!("defer {}", show(facts, *call)),
        StmtKind::Spawn(call) => format!("go {}", show(facts, *call)),
        StmtKind::Send { channel, value } => format!("{} <- {}", show(facts, *channel), show(facts, *value)),
        StmtKind::Jump(_) => "jump".to_owned(),
        StmtKind::Block(inner) => format!("{{{}}}", block(facts, inner)),
        other => format!("{other:?}"),
    }
}

fn show(facts: &FileFacts, id: ExprId) -> String {
    let Expr { kind, .. } = facts.expr(id);
    match kind {
        ExprKind::Name(name) | ExprKind::Lit(name) => name.to_string(),
        ExprKind::Str(text) => format!("'{text}'"),
        ExprKind::Member { base, name, .. } => format!("{}.{name}", show(facts, *base)),
        ExprKind::Call { callee, args } => {
            let args: Vec<_> = args.iter().map(|arg| show(facts, arg.value)).collect();
            format!("{}({})", show(facts, *callee), args.join(", "))
        }
        ExprKind::Composite { ty, fields } => {
            let fields: Vec<_> = fields
                .iter()
                .map(|field| {
                    let key = field.key.map(|key| format!("{}: ", show(facts, key))).unwrap_or_default();
                    format!("{key}{}", show(facts, field.value))
                })
                .collect();
            format!("{}{{{}}}", ty.as_deref().map(type_name).unwrap_or_default(), fields.join(", "))
        }
        ExprKind::Zero(ty) => format!("zero {}", type_name(ty)),
        ExprKind::Closure(function) => format!("closure{}", function.0),
        ExprKind::Index { base, index } => {
            format!("{}[{}]", show(facts, *base), index.map(|index| show(facts, index)).unwrap_or(":".to_owned()))
        }
        ExprKind::Unary { op, operand } => format!("{op}{}", show(facts, *operand)),
        ExprKind::Binary { op, left, right } => format!("({} {op} {})", show(facts, *left), show(facts, *right)),
        ExprKind::Cast { ty, value } => format!("{}.({})", show(facts, *value), type_name(ty)),
        ExprKind::Receive(channel) => format!("<-{}", show(facts, *channel)),
        ExprKind::Type(ty) => format!("type {}", type_name(ty)),
        other => format!("{other:?}"),
    }
}

fn type_name(ty: &TypeRef) -> String {
    match ty.args.is_empty() {
        true => ty.name.to_string(),
        false => format!("{}<{}>", ty.name, ty.args.iter().map(type_name).collect::<Vec<_>>().join(", ")),
    }
}

#[test]
fn queries_suit_the_grammar() {
    assert!(declarations::queries_compile());
}

#[test]
fn imports_keep_alias_dot_and_blank() {
    let facts =
        facts("package main\nimport \"fmt\"\nimport (\n\totel \"go.opentelemetry.io/otel\"\n\t. `a/b`\n\t_ \"c\"\n)");
    let found: Vec<_> = facts.imports.iter().map(|import| (import.local.as_str(), import.target.as_str())).collect();
    assert_eq!(found, [("", "fmt"), ("otel", "go.opentelemetry.io/otel"), (".", "a/b"), ("_", "c")]);
    assert_eq!(facts.package, "main");
    assert!(!facts.has_errors && !facts.generated);
}

#[test]
fn methods_know_receiver_owner_and_signature() {
    let facts = facts(
        "package p\nfunc (s *Server[T]) Do(ctx context.Context, a, b int, _ ...string) (n int, err error) { return }\n\
         type Server[T any] struct{}\nfunc (Other) run(func(http.ResponseWriter, *http.Request)) []chan map[string]*x.Y { return nil }\nfunc ext()",
    );
    let method = function(&facts, "Do");
    assert_eq!(method.owner_name, "Server");
    assert_eq!(method.owner.map(|owner| facts.type_decl(owner).name.as_str()), Some("Server"));
    assert_eq!(method.receiver.as_ref().map(|receiver| receiver.name.as_str()), Some("s"));
    let params: Vec<_> =
        method.params.iter().map(|p| (p.name.as_str(), type_name(p.ty.as_ref().expect("type")))).collect();
    let expected = [("ctx", "context.Context"), ("a", "int"), ("b", "int"), ("_", "string")];
    assert_eq!(params, expected.map(|(name, ty)| (name, ty.to_owned())));
    assert!(method.params[3].variadic && !method.flags.is_private);
    assert_eq!(method.result_names, ["n", "err"]);
    let other = function(&facts, "run");
    assert!(other.owner.is_none() && other.owner_name == "Other" && other.flags.is_private);
    assert_eq!(type_name(other.params[0].ty.as_ref().expect("type")), "func<http.ResponseWriter, http.Request>");
    assert_eq!(type_name(&other.results[0]), "[]<chan<map<string, x.Y>>>");
    assert!(other.result_names.is_empty() && other.params[0].name.is_empty());
    assert!(function(&facts, "ext").flags.is_abstract && !other.flags.is_abstract);
}

#[test]
fn structs_embed_and_interfaces_extend() {
    let facts = facts(
        "package p\ntype (\n S struct {\n  *http.Client\n  sync.Mutex\n  Base[T]\n  a, b int `json:\"a\"`\n }\n I interface {\n  io.Reader\n  Get(ctx C) error\n }\n F func(int)\n A = S\n)",
    );
    let fields: Vec<_> = facts.types[0].fields.iter().map(|f| (f.name.as_str(), f.embedded)).collect();
    assert_eq!(fields, [("Client", true), ("Mutex", true), ("Base", true), ("a", false), ("b", false)]);
    let kinds: Vec<_> = facts.types.iter().map(|ty| ty.kind).collect();
    assert_eq!(kinds, [TypeKind::Class, TypeKind::Interface, TypeKind::Alias, TypeKind::Alias]);
    assert_eq!(type_name(&facts.types[1].supers[0]), "io.Reader");
    assert_eq!(type_name(&facts.types[2].supers[0]), "func<int>");
    let get = function(&facts, "Get");
    assert!(get.flags.is_abstract && get.owner_name == "I" && get.params.len() == 1 && get.results.len() == 1);
}

#[test]
fn file_level_values_are_load_time_code() {
    let facts = facts("package p\nvar tracer = otel.Tracer(\"x\")\nvar (\n a, b int = 1, 2\n c T\n)\nconst k = `v`");
    assert_eq!(
        block(&facts, &facts.functions[0].body),
        "tracer := otel.Tracer('x'); a, b int := 1, 2; c T := zero T; k := 'v'"
    );
}

#[test]
fn closures_are_functions_with_a_parent() {
    let facts = body_facts("g(func(ctx C) { h(ctx) })\ngo func() { run() }()\ndefer span.End()");
    assert_eq!(block(&facts, &function(&facts, "f").body), "g(closure2); go closure3(); defer span.End()");
    let closure = &facts.functions[2];
    assert!(closure.flags.is_closure && closure.parent.map(|id| id.0) == Some(1));
    assert_eq!(block(&facts, &closure.body), "h(ctx)");
}

#[test]
fn declarations_and_assignments() {
    assert_eq!(body("ctx, span := tracer.Start(ctx, \"n\")"), "ctx, span := tracer.Start(ctx, 'n')");
    assert_eq!(body("x += y\ni++\nvar z, _ T = q()"), "x = (x + y); i = (i + 1); z, _ T := q()");
    assert_eq!(body("a.b, c[i] = 1, 'x'"), "a.b, c[i] = 1, 'x'");
}

#[test]
fn branches_and_loops() {
    assert_eq!(
        body("if err := g(); err != nil { return err } else if x { y() } else { z() }"),
        "if [err := g()] (err != nil) {return err} else {if [] x {y()} else {z()}}"
    );
    assert_eq!(body("for i := 0; i < n; i++ { g(i) }"), "While [i := 0]  in (i < n) {g(i); i = (i + 1)}");
    assert_eq!(body("for k, v := range m { g(k, v) }"), "Each [] k, v in m {g(k, v)}");
    assert_eq!(
        body("for x { }\nfor { break }\nl: for range ch { }"),
        "While []  in x {}; Forever []  in  {jump}; {Each []  in ch {}}"
    );
    assert!(matches!(body_facts("for {}").stmts[0].kind, StmtKind::Loop { kind: LoopKind::Forever, .. }));
}

#[test]
fn switches_and_selects() {
    assert_eq!(body("switch x := g(); x { case 1, h(): a(); default: b() }"), "switch! [x := g()] x {h(); a() | b()}");
    assert_eq!(
        body("switch v := x.(type) { case *T: a(v); case A, B: b(); case nil: }"),
        "switch [v := x] v {v := v.(T); a(v) | b() | }"
    );
    assert_eq!(body("switch x.(type) { case T: a() }"), "switch [] x {a()}");
    assert_eq!(
        body("select { case m, ok := <-ch: g(m); case <-ctx.Done(): return; case out <- v: default: d() }"),
        "switch! []  {m, ok := <-ch; g(m) | <-ctx.Done(); return  | out <- v | d()}"
    );
}

#[test]
fn composites_drop_the_address_and_keep_keys() {
    assert_eq!(body("x := &http.Client{Transport: t, 3: \"v\"}"), "x := http.Client{Transport: t, 3: 'v'}");
    assert_eq!(body("x := []*T{{A: 1}, b}"), "x := []<T>{T{A: 1}, b}");
    assert_eq!(body("x := map[K]V{{1}: {2}}"), "x := map<K, V>{K{1}: V{2}}");
    let facts = body_facts("x := &T{}");
    let composite = facts.exprs.iter().find(|expr| matches!(expr.kind, ExprKind::Composite { .. })).expect("composite");
    assert_eq!(composite.span.end - composite.span.start, 4);
}

#[test]
fn calls_conversions_and_generics() {
    assert_eq!(
        body("g(xs...)\nx := make(chan T, 1)\ny := new(p.T)"),
        "g(xs); x := make(type chan<T>, 1); y := new(type p.T)"
    );
    assert_eq!(body("x := []byte(s)\ny := v.(*T)\nz := <-ch"), "x := s.([]<byte>); y := v.(T); z := <-ch");
    assert_eq!(body("f[int](x)\np.f[A, B](x, y)\np.g[[]int](x)"), "f(x); p.f(x, y); p.g(x)");
    assert_eq!(body("x := (a + -b)[1:2]"), "x := (a + -b)[:]");
}

#[test]
fn directives_and_generated_files() {
    let facts = facts(
        "// Code generated by protoc. DO NOT EDIT.\n\npackage p\n\n// hoplint: ignore[x] why \nvar a = 1 /* hoplint: off */\n// nothing\n",
    );
    assert!(facts.generated);
    let found: Vec<_> = facts.directives.iter().map(|d| (d.line, d.own_line, d.text.as_str())).collect();
    assert_eq!(found, [(5, true, "ignore[x] why"), (6, false, "off")]);
    assert!(!super::comments::generated("// Code generated by hand\n"));
}

#[test]
fn broken_sources_keep_what_is_whole() {
    let facts =
        facts("package p\nimport \"a\"\nfunc good() { call(ctx) }\nfunc bad( { x := = y; g(\nfunc last() { done() }\n");
    assert!(facts.has_errors);
    assert_eq!(facts.imports.len(), 1);
    assert_eq!(block(&facts, &function(&facts, "good").body), "call(ctx)");
    let whole = "package p\nimport x \"a\"\ntype S struct { *a.B; c, d int }\ntype I interface { M(x int) (y int); a.B }\nfunc (s *S) f(a ...int) (e error) {\nswitch v := x.(type) { case T: a[i].b(&T{k: {1}}, xs...); default: }\nselect { case m := <-c: }\nfor i := range x { go func() {}() }\nx, y = f[T](1), []byte(z)\n}\n";
    for end in 0..whole.len() {
        for (from, to) in [(0, end), (end, whole.len())] {
            let facts = self::facts(&whole[from..to]);
            assert!(!facts.functions.is_empty());
            let _ = crate::ir::dump(&facts);
        }
    }
}

#[test]
fn deep_nesting_is_cut() {
    let deep = 100_000;
    let cases = [
        format!("x := {}1{}", "(".repeat(deep), ")".repeat(deep)),
        format!("x{}", ".m()".repeat(deep)),
        format!("x := a{}", " + a".repeat(deep)),
        format!("x := {}a", "-".repeat(deep)),
        format!("{}{}", "{".repeat(deep), "}".repeat(deep)),
        format!("{}{}", "func() {".repeat(2000), "}()".repeat(2000)),
        format!("x := {}int{{}}", "[]".repeat(deep)),
        format!("x := []T{}1{}", "{".repeat(deep), "}".repeat(deep)),
        format!("if a {{}}{}", " else if b {}".repeat(5000)),
        format!("{}{}", "switch { case f(func() {".repeat(1000), "}): }".repeat(1000)),
        format!("{}{}", "x(&T{a: func() { go f(".repeat(1000), ") }})".repeat(1000)),
        format!("f{}", "(".repeat(deep)),
    ];
    for case in cases {
        let facts = facts(&format!("package p\nfunc f() {{\n{case}\n}}\n"));
        assert!(facts.cuts > 0 || facts.has_errors, "no cut in {}", &case[..40]);
    }
}
