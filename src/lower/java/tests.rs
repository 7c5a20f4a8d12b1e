//! Snippets and what they are lowered to.

use super::grammar::GRAMMAR;
use crate::ir::{Expr, ExprId, ExprKind, FileFacts, Function, LoopKind, Stmt, StmtKind, TypeKind, TypeRef, dump};
use std::fmt::Write as _;

fn lower(source: &str) -> FileFacts {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&tree_sitter::Language::new(tree_sitter_java::LANGUAGE)).expect("the grammar fits");
    let tree = parser.parse(source, None).expect("parsing was not cancelled");
    let facts = super::lower(source, &tree);
    check_indices(&facts);
    facts
}

/// Lowers statements as the body of `T.m`.
fn body(statements: &str) -> FileFacts {
    let facts = lower(&format!("class T {{ void m() {{ {statements} }} }}"));
    assert!(!facts.has_errors, "{statements}");
    facts
}

fn function<'f>(facts: &'f FileFacts, name: &str) -> &'f Function {
    facts.functions.iter().find(|function| function.name == name).expect("the function is there")
}

fn stmts<'f>(facts: &'f FileFacts, block: &[u32]) -> Vec<&'f Stmt> {
    block.iter().map(|id| &facts.stmts[*id as usize]).collect()
}

/// A value in one line.
fn show(facts: &FileFacts, id: ExprId) -> String {
    let Expr { kind, .. } = facts.expr(id);
    let list = |ids: &[ExprId]| ids.iter().map(|id| show(facts, *id)).collect::<Vec<_>>().join(", ");
    let call = |args: &[crate::ir::Arg]| {
        let one = |arg: &crate::ir::Arg| match arg.name {
            Some(name) => format!("{name}={}", show(facts, arg.value)),
            None => show(facts, arg.value),
        };
        args.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    match kind {
        ExprKind::Name(name) | ExprKind::Lit(name) => name.to_string(),
        ExprKind::Str(text) => format!("{:?}", text.as_str()),
        ExprKind::Member { base, name, .. } => format!("{}.{name}", show(facts, *base)),
        ExprKind::Call { callee, args } => format!("{}({})", show(facts, *callee), call(args)),
        ExprKind::New { ty, args, body } => {
            format!("new {}({}){}", show_type(ty), call(args), body.map_or(String::new(), |id| format!("#{}", id.0)))
        }
        ExprKind::Composite { ty, fields } => {
            let values: Vec<_> = fields.iter().map(|field| field.value).collect();
            format!("{}{{{}}}", ty.as_deref().map(show_type).unwrap_or_default(), list(&values))
        }
        ExprKind::Closure(id) => format!("closure#{}", id.0),
        ExprKind::Index { base, index } => format!("{}[{}]", show(facts, *base), list(index.as_slice())),
        ExprKind::Unary { op, operand } => format!("{op}{}", show(facts, *operand)),
        ExprKind::Binary { op, left, right } => format!("({} {op} {})", show(facts, *left), show(facts, *right)),
        ExprKind::Cast { ty, value } => format!("<{}>{}", show_type(ty), show(facts, *value)),
        ExprKind::Conditional { condition, then, otherwise } => {
            format!("({} ? {} : {})", show(facts, *condition), show(facts, *then), show(facts, *otherwise))
        }
        ExprKind::Assign { target, value } => format!("({} = {})", show(facts, *target), show(facts, *value)),
        ExprKind::MethodRef { base, name } => format!("{}::{name}", show(facts, *base)),
        ExprKind::Type(ty) => format!("type {}", show_type(ty)),
        ExprKind::Unknown(operands) => format!("?({})", list(operands)),
        other => format!("{other:?}"),
    }
}

fn show_type(ty: &TypeRef) -> String {
    match ty.args.as_slice() {
        [] => ty.name.to_string(),
        args => format!("{}<{}>", ty.name, args.iter().map(show_type).collect::<Vec<_>>().join(", ")),
    }
}

fn show_block(facts: &FileFacts, block: &[u32]) -> String {
    stmts(facts, block).iter().map(|stmt| show_stmt(facts, &stmt.kind)).collect::<Vec<_>>().join(" ")
}

fn show_stmt(facts: &FileFacts, kind: &StmtKind) -> String {
    let list = |ids: &[ExprId]| ids.iter().map(|id| show(facts, *id)).collect::<Vec<_>>().join(", ");
    let block = |ids: &[u32]| show_block(facts, ids);
    match kind {
        StmtKind::Expr(value) => format!("{};", show(facts, *value)),
        StmtKind::Assign { targets, ty, values, declares } => {
            let ty = ty.as_ref().map(|ty| format!("{} ", show_type(ty))).unwrap_or_default();
            let sign = if *declares { ":=" } else { "=" };
            format!("{ty}{} {sign} {};", list(targets), list(values))
        }
        StmtKind::Return(values) => format!("return {};", list(values)),
        StmtKind::If { condition, then, otherwise, .. } => {
            format!("if {} {{{}}} else {{{}}}", show(facts, *condition), block(then), block(otherwise))
        }
        StmtKind::Loop { kind, init, subject, targets, body, .. } => {
            let subject = list(subject.as_slice());
            format!("{kind:?}[{}] {} in {subject} {{{}}}", block(init), list(targets), block(body))
        }
        StmtKind::Switch { subject, arms, exhaustive, .. } => {
            let arms: Vec<_> = arms.iter().map(|arm| format!("{{{}}}", block(arm))).collect();
            format!("switch {} {} {exhaustive}", list(subject.as_slice()), arms.join(" "))
        }
        StmtKind::Try { body, handlers, finally, .. } => {
            let handlers: String = handlers.iter().fold(String::new(), |mut out, handler| {
                let _ = write!(out, " catch {} {{{}}}", handler.binding.unwrap_or_default(), block(&handler.body));
                out
            });
            format!("try {{{}}}{handlers} finally {{{}}}", block(body), block(finally))
        }
        StmtKind::With { items, body, .. } => {
            let items: Vec<_> = items
                .iter()
                .map(|item| {
                    let ty = item.ty.as_ref().map(show_type).unwrap_or_default();
                    format!("{ty} {} <- {}", list(item.target.as_slice()), show(facts, item.value))
                })
                .collect();
            format!("with [{}] {{{}}}", items.join("; "), block(body))
        }
        StmtKind::Throw(value) => format!("throw {};", list(value.as_slice())),
        StmtKind::Jump(_) => "jump;".to_owned(),
        StmtKind::Block(inner) => format!("{{{}}}", block(inner)),
        other => format!("{other:?}"),
    }
}

/// The body of `T.m` in one line.
fn shown(statements: &str) -> String {
    let facts = body(statements);
    show_block(&facts, &function(&facts, "m").body)
}

/// Every id that facts hold must be one that the arenas have.
fn check_indices(facts: &FileFacts) {
    for function in &facts.functions {
        assert!(function.body.iter().all(|id| (*id as usize) < facts.stmts.len()));
        assert!(function.owner.is_none_or(|id| (id.0 as usize) < facts.types.len()));
    }
}

#[test]
fn queries_compile() {
    assert!(GRAMMAR.types.is_valid());
    assert!(GRAMMAR.methods.is_valid());
}

#[test]
fn imports_and_package() {
    let facts = lower(
        "package com.acme . orders;\nimport a.b.C;\nimport static a.b.C.m;\nimport a.b.*;\nimport static a.b.C.*;\nclass X {}",
    );
    assert_eq!(facts.package, "com.acme.orders");
    let shown: Vec<_> =
        facts.imports.iter().map(|i| format!("{} {} {} {}", i.local, i.target, i.module, i.is_static)).collect();
    assert_eq!(shown, ["C a.b.C a.b false", "m a.b.C.m a.b.C true", "* a.b a.b false", "* a.b.C a.b.C true"]);
}

#[test]
fn annotations_carry_their_values() {
    let facts = lower(
        "@RestController @RequestMapping(path = \"/a\", method = {GET, POST}) class C {
           @Bean public Foo foo(@Qualifier(\"x\") final Bar bar, @a.b.Opt int... n) { return null; } }",
    );
    let shown: Vec<_> = facts.types[0].annotations.iter().map(|a| show(&facts, a.expr)).collect();
    assert_eq!(shown, ["RestController()", "RequestMapping(path=\"/a\", method={GET, POST})"]);
    let foo = function(&facts, "foo");
    assert_eq!(foo.annotations[0].name, "Bean");
    assert_eq!(show(&facts, foo.params[0].annotations[0].expr), "Qualifier(\"x\")");
    assert_eq!(foo.params[1].annotations[0].name, "a.b.Opt");
    assert!(foo.params[1].variadic);
    assert_eq!(foo.params[1].name, "n");
}

#[test]
fn fields_and_their_initial_values() {
    let facts = lower(
        "abstract class C<T> extends B<T> implements I, J { private static final Tracer T = get(); @Inject Client a, b = make(); String s[];
           static { boot(); } { each(); } }",
    );
    let ty = &facts.types[0];
    assert!(ty.is_abstract);
    assert_eq!(ty.supers.iter().map(show_type).collect::<Vec<_>>(), ["B<T>", "I", "J"]);
    let names: Vec<_> = ty.fields.iter().map(|f| (f.name.as_str(), f.is_static, f.init.is_some())).collect();
    assert_eq!(names, [("T", true, true), ("a", false, false), ("b", false, true), ("s", false, false)]);
    assert_eq!(ty.fields[3].ty.as_ref().map(show_type).as_deref(), Some("[]<String>"));
    assert_eq!(ty.fields[1].annotations[0].name, "Inject");
    assert_eq!(show_block(&facts, &facts.functions[0].body), "T = get(); b = make(); boot(); each();");
}

#[test]
fn constructor_injection() {
    let facts = lower(
        "class C { private final Client c; C(Client c, int n) { super(n); this.c = c; } private static void f() {} abstract void g(); }",
    );
    let constructor = function(&facts, "C");
    assert!(constructor.flags.is_constructor && !constructor.flags.is_abstract);
    assert_eq!(constructor.owner_name, "C");
    assert_eq!(show_block(&facts, &constructor.body), "super(n); this.c = c;");
    assert!(function(&facts, "f").flags.is_static && function(&facts, "f").flags.is_private);
    assert!(function(&facts, "f").results.is_empty());
    assert!(function(&facts, "g").flags.is_abstract);
}

#[test]
fn lambdas() {
    let facts = body("run(x -> x.go(), (a, b) -> { return a; }, (String s, var v) -> s, () -> {});");
    let shown = show_block(&facts, &function(&facts, "m").body);
    assert_eq!(shown, "run(closure#2, closure#3, closure#4, closure#5);");
    let lambda = &facts.functions[2];
    assert!(lambda.flags.is_closure && lambda.params[0].ty.is_none());
    assert_eq!(lambda.parent.map(|id| id.0), Some(1));
    assert_eq!(show_block(&facts, &lambda.body), "return x.go();");
    assert_eq!(facts.functions[3].params[1].name, "b");
    assert_eq!(facts.functions[4].params[0].ty.as_ref().map(show_type).as_deref(), Some("String"));
    assert!(facts.functions[4].params[1].ty.is_none());
}

#[test]
fn anonymous_and_local_classes() {
    let facts = body("run(new Job<A>(1) { int f = 1; public void go() { x(); } }); class L { void l() {} }");
    assert_eq!(show_block(&facts, &function(&facts, "m").body), "run(new Job<A>(1)#1);");
    assert_eq!(facts.types[1].name, "");
    assert_eq!(facts.types[1].supers[0].name, "Job");
    assert_eq!(facts.types[1].fields[0].name, "f");
    let go = function(&facts, "go");
    assert_eq!((go.owner.map(|id| id.0), go.parent.map(|id| id.0)), (Some(1), Some(1)));
    let l = function(&facts, "l");
    assert_eq!((l.owner_name.as_str(), l.parent.map(|id| id.0)), ("L", Some(1)));
}

#[test]
fn method_references() {
    assert_eq!(
        shown("f(Foo::bar, this::go, a.b.C::new, super::x, int[]::new, List<A>::of);"),
        "f(Foo::bar, this::go, a.b.C::new, super::x, type []<int>::new, type List<A>::of);"
    );
}

#[test]
fn try_with_resources() {
    assert_eq!(
        shown("try (Scope s = span.open(); other; this.x) { go(); } catch (A | B e) { no(); } finally { end(); }"),
        "try {with [Scope s <- span.open();   <- other;   <- this.x] {go();}} catch e {no();} finally {end();}"
    );
    assert_eq!(shown("try { a(); } finally { b(); }"), "try {a();} finally {b();}");
}

#[test]
fn builder_chain() {
    assert_eq!(
        shown("Span s = tracer.spanBuilder(\"x\").setParent(c).startSpan();"),
        "Span s := tracer.spanBuilder(\"x\").setParent(c).startSpan();"
    );
    assert_eq!(shown("T.super.go(); this.<A>f(); T.super.x = 1;"), "T.super.go(); this.f(); T.super.x = 1;");
}

#[test]
fn switches() {
    assert_eq!(shown("switch (x) { case 1: case 2: a(); break; default: b(); }"), "switch x {a(); jump;} {b();} true");
    assert_eq!(
        shown("switch (x) { case Foo f when f.ok() -> a(f); case B -> { b(); } }"),
        "switch x {Foo f := x; f.ok(); a(f);} {b();} false"
    );
    assert_eq!(shown("int y = switch (x) { case A -> 1; default -> throw e; };"), "int y := ?(x, 1, e);");
}

#[test]
fn switch_value_with_blocks_runs_before_its_statement() {
    let shown = shown("return switch (x) { case A -> 1; default -> { b(); yield c(); } };").replace("$switch28", "$s");
    assert_eq!(shown, "$s := ; switch x {$s = 1;} {b(); $s = c();} true return $s;");
}

#[test]
fn records_enums_interfaces() {
    let facts = lower(
        "record P(@A int x, List<String> y) implements I { P { check(x); } static void s() {} }
         enum E implements I { A, B(f()) { void b() {} }; int n; E(int n) {} void e() {} }
         interface I extends J, K { int C = 1; void a(); default void d() {} }
         @interface N { String value() default \"x\"; }",
    );
    assert!(!facts.has_errors);
    let names: Vec<_> = facts.types.iter().map(|ty| (ty.name.as_str(), ty.kind)).collect();
    assert_eq!(
        names,
        [
            ("P", TypeKind::Class),
            ("E", TypeKind::Class),
            ("", TypeKind::Class),
            ("I", TypeKind::Interface),
            ("N", TypeKind::Interface)
        ]
    );
    let fields = |at: usize| facts.types[at].fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>();
    assert_eq!(fields(0), ["x", "y"]);
    assert_eq!(facts.types[0].fields[0].annotations[0].name, "A");
    assert_eq!(fields(1), ["A", "B", "n"]);
    assert_eq!(facts.types[3].supers.len(), 2);
    assert!(facts.types[3].fields[0].is_static);
    assert!(function(&facts, "a").flags.is_abstract && !function(&facts, "d").flags.is_abstract);
    assert!(function(&facts, "P").flags.is_constructor);
    assert!(function(&facts, "value").flags.is_abstract);
    assert_eq!(show_block(&facts, &facts.functions[0].body), "B = new E(f())#2; C = 1;");
}

#[test]
fn types_as_written() {
    assert_eq!(
        shown("Map<String, ? extends List<?>> a; a.b.C<X>[] b; Outer<T>.Inner c; var d = 1; int e[], f = 2;"),
        "Map<String, List<?>> a := ; []<a.b.C<X>> b := ; Outer.Inner c := ; d := 1; []<int> e := ; int f := 2;"
    );
}

#[test]
fn control_flow() {
    assert_eq!(shown("if (a) b(); else if (c) { d(); }"), "if a {b();} else {if c {d();} else {}}");
    assert_eq!(shown("for (int i = 0; i < n; i++) { f(i); }"), "While[int i := 0;]  in (i < n) {f(i); ++i;}");
    assert_eq!(shown("for (;;) f();"), "Forever[]  in  {f();}");
    assert_eq!(shown("for (Foo f : all()) { f.go(); }"), "Each[Foo f := ;] f in all() {f.go();}");
    assert_eq!(shown("while (true) { f(); } do g(); while (x);"), "Forever[]  in true {f();} While[]  in x {g();}");
    assert_eq!(shown("synchronized (l) { a(); } out: for (;;) { break out; }"), "{l; a();} {Forever[]  in  {jump;}}");
    assert_eq!(shown("assert a() : b(); throw new E(c);"), "a(); b(); throw new E(c);");
    let facts = body("for (;;) {}");
    let first = stmts(&facts, &function(&facts, "m").body)[0];
    assert!(matches!(first.kind, StmtKind::Loop { kind: LoopKind::Forever, .. }));
}

#[test]
fn values() {
    assert_eq!(
        shown("x = (String) a; y += b; i = j = 1; if (o instanceof Foo f && !f.x) {}"),
        "x = <String>a; y = (y + b); i = (j = 1); if (((f = <Foo>o) instanceof type Foo) && !f.x) {} else {}"
    );
    assert_eq!(
        shown("f(a ? b : c, xs[0], new int[n][], new A[] {p, q}, Foo.class, 'c', null, -1, \"a\\n\");"),
        "f((a ? b : c), xs[0], new []<[]<int>>(n), []<A>{p, q}, type Foo, 'c', null, -1, \"a\\\\n\");"
    );
    assert_eq!(shown("f(\"\"\"\nab\"c\"\"\");"), "f(\"ab\\\"c\");");
    assert_eq!(shown("int[] a = {1, 2};"), "[]<int> a := {1, 2};");
}

#[test]
fn directives_and_generated() {
    let facts = lower(
        "class A { // hoplint: ignore[x] why\n  /* hoplint: off */ void f() { g(\"hoplint: no\"); }\n  // plain\n  //hoplint:file\n}",
    );
    let shown: Vec<_> = facts.directives.iter().map(|d| (d.line, d.own_line, d.text.as_str())).collect();
    assert_eq!(shown, [(1, false, "ignore[x] why"), (2, true, "off"), (4, true, "file")]);
    assert!(!facts.generated);
    assert!(lower("// Generated by the protocol buffer compiler.  DO NOT EDIT!\npackage a;").generated);
    assert!(lower("@javax.annotation.Generated(\"x\") class A {}").generated);
    assert!(lower("import jakarta.annotation.Generated; @Generated(\"x\") class A {}").generated);
    assert!(!lower("import lombok.Generated; @Generated class A {}").generated);
}

#[test]
fn broken_source_keeps_what_is_whole() {
    let facts = lower("package a; class A { void f() { x(; } void g() { ok(); } ### void h() { if (a { b(); } }");
    assert!(facts.has_errors);
    assert_eq!(show_block(&facts, &function(&facts, "g").body), "ok();");
    assert!(dump(&facts).contains("function A.h()"));
    for source in
        ["", "class", "class A {", "@", "import", "package ;", "}}}}", "class A { int x = ", "enum { , ;", "é«\u{0}"]
    {
        lower(source);
    }
}

#[test]
fn every_prefix_is_lowered_without_panic() {
    let source = "import a.B; @X(y = {1}) class C<T> extends D { int a = b(x -> switch (x) { case 1 -> { yield 2; } default -> 3; });
        C(int z) { super(z); try (R r = o()) { new E() { void e() {} }.e(); } catch (F | G g) { throw g; } for (H h : hs) h.i(J::new); } }";
    for end in 0..source.len() {
        lower(&source[..end]);
    }
}

#[test]
fn deep_nesting_is_cut() {
    let many = 100_000;
    let parens = format!("class T {{ int x = {}1{}; }}", "(".repeat(many), ")".repeat(many));
    assert_eq!(show_block(&lower(&parens), &lower(&parens).functions[0].body), "x = 1;");
    let class = |inner: String| lower(&format!("class T {{ void m() {{ {inner} }} }}"));
    assert!(class(format!("a{};", ".b()".repeat(many))).cuts > 0);
    assert!(class(format!("x = a{};", " + a".repeat(many))).cuts > 0);
    assert!(class(format!("x = {}a;", "!".repeat(many))).cuts > 0);
    assert!(class(format!("x = {}a;", "y -> ".repeat(5_000))).cuts > 0);
    assert!(class("{".repeat(5_000) + &"}".repeat(5_000)).cuts > 0);
    assert!(class("if (a) {} else ".repeat(2_000) + "b();").cuts > 0);
    assert!(class(format!("{}x{} y;", "A<".repeat(2_000), ">".repeat(2_000))).cuts > 0);
    assert!(class("new A() { void f() { ".repeat(1_000) + &"} };".repeat(1_000)).cuts > 0);
    let switches = "x = switch (a) { default -> { yield ".repeat(300);
    assert!(class(switches + "1" + &"; } };".repeat(300)).cuts > 0);
    assert!(lower(&("class A { ".repeat(1_000) + &"}".repeat(1_000))).cuts > 0);
}
