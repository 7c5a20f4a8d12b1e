//! Facts as text, for tests and for `hoplint` developers: a failing fixture can be bisected to a stage.

use super::FileFacts;
use std::fmt::Write as _;

/// Prints a file's facts, one definition a line, in a stable form for tests.
pub fn dump(facts: &FileFacts) -> String {
    let mut out = String::new();
    for import in &facts.imports {
        let _ = writeln!(out, "import {} = {} ({})", import.local, import.target, import.module);
    }
    for ty in &facts.types {
        let supers: Vec<_> = ty.supers.iter().map(|s| s.name.as_str()).collect();
        let fields: Vec<_> = ty.fields.iter().map(|f| f.name.as_str()).collect();
        let _ = writeln!(out, "type {} <{}> {{{}}}", ty.name, supers.join(", "), fields.join(", "));
    }
    for function in &facts.functions {
        let params: Vec<_> = function.params.iter().map(|p| p.name.as_str()).collect();
        let _ = writeln!(out, "function {}.{}({})", function.owner_name, function.name, params.join(", "));
        block(facts, &function.body, 1, &mut out);
    }
    out
}

fn block(facts: &FileFacts, statements: &[u32], depth: usize, out: &mut String) {
    for id in statements {
        let stmt = &facts.stmts[*id as usize];
        let _ = writeln!(out, "{:indent$}{:?}", "", stmt.kind, indent = depth * 2);
    }
}
