//! dark-service.

use super::super::Verdicts;
use super::loaded::brings_more;
use crate::aside::is_aside;
use crate::finding::{Confidence, Finding, Place};
use crate::ir::{ExprKind, Import, Language};
use crate::knowledge::{AnnotationRole, HopKind, Knowledge, TypeRole};
use crate::link::SourceFile;
use crate::services::Mode;
use crate::study::UnitView;
use rustc_hash::FxHashSet;
use std::sync::OnceLock;
use ustr::Ustr;

/// Reports services that nothing traces while most others of the workspace are traced; where there are as many dark ones,
/// those that the code joins to a traced one.
pub(crate) fn check(units: &[UnitView], sources: &[SourceFile], out: &mut Verdicts) {
    let traced = |unit: &UnitView| unit.stacks.iter().any(|found| found.active);
    let is_lit = |unit: usize| units.get(unit).is_some_and(traced);
    let serving: Vec<(usize, Place)> =
        (0..units.len()).filter_map(|unit| served_at(sources, unit, is_lit(unit)).map(|place| (unit, place))).collect();
    let lit = serving.iter().filter(|(unit, _)| is_lit(*unit)).count();
    let dark: Vec<_> = serving
        .iter()
        .filter(|(unit, _)| {
            units.get(*unit).is_some_and(|unit| {
                !unit.is_traced() && unit.sign.is_none() && !brings_more(unit) && unit.settings.routes().is_empty()
            })
        })
        .collect();
    // Where agents alone trace its language, whoever deploys a service that is not seen to be deployed may attach one as well.
    let by_itself = |unit: &UnitView| unit.stacks.iter().any(|found| found.active && found.mode != Mode::Agent);
    let is_open = |unit: usize| {
        let language = units.get(unit).map(|unit| unit.language);
        let mut neighbours = serving.iter().filter_map(|(other, _)| units.get(*other));
        matches!(language, Some(Language::Java | Language::Python))
            && !neighbours.any(|other| Some(other.language) == language && by_itself(other))
    };
    // A workspace where most are dark is one in which tracing has only begun, or a collection of examples.
    if lit == 0 || dark.len() > lit || shares_a_set_up(units, &serving) {
        return;
    }
    let is_one_of_many = lit > dark.len();
    let lit: Vec<usize> = serving.iter().map(|(unit, _)| *unit).filter(|unit| is_lit(*unit)).collect();
    for (at, place) in dark.into_iter().filter(|(unit, _)| !is_open(*unit)) {
        let Some(unit) = units.get(*at).filter(|unit| !is_aside(&format!("{}/x", unit.root))) else { continue };
        let neighbours = || lit.iter().filter_map(|other| units.get(*other).map(|unit| (*other, unit)));
        // A module of another language around the traced ones is a product of its own, or tools for them.
        let is_around = || {
            neighbours().all(|(_, neighbour)| neighbour.language != unit.language && holds(&unit.root, &neighbour.root))
        };
        let connected = || {
            // A host of the name that both have tells nothing.
            neighbours().filter(|(_, neighbour)| neighbour.name != unit.name).any(|(other, neighbour)| {
                names_host(sources, other, &unit.name) || names_host(sources, *at, &neighbour.name)
            })
        };
        if (is_one_of_many && !is_around()) || connected() {
            out.findings.push(finding(unit, *place));
        }
    }
}

/// Whether a folder is another one or lies above it.
fn holds(outer: &str, inner: &str) -> bool {
    let rest = inner.strip_prefix(outer);
    outer.is_empty() || outer == "." || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether the code of a unit writes an address at a host of this name: `http://stock/…`, `stock:9090`.
fn names_host(sources: &[SourceFile], unit: usize, host: &str) -> bool {
    let is_address = |text: &str| {
        text.match_indices(host).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + host.len()..]);
            let port =
                after.strip_prefix(':').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
            (before.ends_with("//") && (after.is_empty() || after.starts_with(['/', ':'])))
                || (before.is_empty() && port)
        })
    };
    let mut files = sources.iter().filter(|file| file.unit == unit);
    files.any(|file| file.facts.exprs.iter().any(|expr| matches!(&expr.kind, ExprKind::Str(text) if is_address(text))))
}

/// Whether a unit that serves nothing holds the tracing set-up, which others may use.
fn shares_a_set_up(units: &[UnitView], serving: &[(usize, Place)]) -> bool {
    units.iter().enumerate().any(|(at, unit)| {
        unit.stacks.iter().any(|found| found.active && found.mode == Mode::Code)
            && !serving.iter().any(|(other, _)| *other == at)
    })
}

/// Where a runnable unit imports a library that serves. Of one that is traced, the routes need not be seen.
fn served_at(sources: &[SourceFile], unit: usize, is_lit: bool) -> Option<Place> {
    let files = || sources.iter().filter(move |file| file.unit == unit);
    if !files().any(is_program) {
        return None;
    }
    files().filter(|file| !is_aside(&file.path)).find_map(|file| {
        let import = file.facts.imports.iter().find(|import| match file.facts.language {
            Language::Python => makes_server(file, import),
            Language::Go => {
                serves(Language::Go, &import.module) || (makes_server(file, import) && (is_lit || mounts(file, import)))
            }
            Language::Java => serves(Language::Java, &import.module) || serves_by(file, import),
        })?;
        Some(Place { path: file.path, span: import.span })
    })
}

/// Whether a class of a Java file is annotated as one that serves requests, by a name that an import brings, and has
/// methods that do.
fn serves_by(file: &SourceFile, import: &Import) -> bool {
    let knowledge = Knowledge::built_in(Language::Java);
    let named = |import: &Import, name: Ustr| {
        let full = match import.local.as_str() {
            "*" => Ustr::from_existing(&format!("{}.{name}", import.module)),
            _ => Some(import.target).filter(|_| import.local == name),
        };
        full.and_then(|name| knowledge.annotation(name)).map(|(_, known)| known)
    };
    let mut of_types = file.facts.types.iter().flat_map(|ty| &ty.annotations);
    let mut of_methods = file.facts.functions.iter().flat_map(|function| &function.annotations);
    let is_entry = |found: &crate::ir::Annotation| {
        let mut known = file.facts.imports.iter().filter_map(|import| named(import, found.name));
        known.any(|known| known.role == AnnotationRole::Entry)
    };
    of_types.any(|found| named(import, found.name).is_some_and(|known| known.serves)) && of_methods.any(is_entry)
}

/// Whether a file makes a server by an imported name. Python code also imports the parts of web frameworks to describe
/// or test an API, which serves nothing.
fn makes_server(file: &SourceFile, import: &Import) -> bool {
    let knowledge = Knowledge::built_in(file.facts.language);
    let makes = |name: &str| {
        let found = Ustr::from_existing(name).and_then(|name| knowledge.function(name));
        found.is_some_and(|(_, function)| {
            let runs = function.hop.is_some_and(|hop| hop.kind == HopKind::Serve);
            function.makes == Some(TypeRole::Server) || (runs && file.facts.language == Language::Go)
        })
    };
    let last = import.target.rsplit('/').next().unwrap_or_default();
    let local = if import.local.is_empty() { Ustr::from(last) } else { import.local };
    file.facts.exprs.iter().any(|expr| {
        let ExprKind::Call { callee, .. } = &expr.kind else { return false };
        match &file.facts.expr(*callee).kind {
            ExprKind::Name(name) => *name == local && makes(&import.target),
            ExprKind::Member { base, name, .. } => {
                matches!(&file.facts.expr(*base).kind, ExprKind::Name(base) if *base == local)
                    && makes(&format!("{}.{name}", import.target))
            }
            _ => false,
        }
    })
}

/// Whether a file mounts a handler at a path of its own, besides those of health checks, metrics and profiles, by a
/// function or method of the library that it serves by.
fn mounts(file: &SourceFile, import: &Import) -> bool {
    let libraries = Knowledge::built_in(file.facts.language).libraries().iter();
    let library = libraries.filter(|library| library.modules.iter().any(|module| *module == import.target.as_str()));
    let mounting = library.flat_map(|library| &library.functions).filter(|function| function.registers.is_some());
    let names: FxHashSet<&str> =
        mounting.flat_map(|function| &function.names).filter_map(|name| name.rsplit('.').next()).collect();
    let text = |arg: &crate::ir::Arg| match &file.facts.expr(arg.value).kind {
        ExprKind::Str(text) => Some(*text),
        _ => None,
    };
    file.facts.exprs.iter().any(|expr| {
        let ExprKind::Call { callee, args } = &expr.kind else { return false };
        let ExprKind::Member { name, .. } = &file.facts.expr(*callee).kind else { return false };
        let path = args.first().and_then(text);
        names.contains(name.as_str())
            && path.is_some_and(|path| path.contains('/') && !super::handlers::is_side_path(&path))
    })
}

pub(crate) fn is_program(file: &SourceFile) -> bool {
    match file.facts.language {
        Language::Go => file.facts.package == "main",
        Language::Python => {
            file.facts.exprs.iter().any(|expr| matches!(&expr.kind, ExprKind::Str(text) if text == "__main__"))
        }
        Language::Java => {
            file.facts.functions.iter().any(|function| function.name == "main" && function.flags.is_static)
        }
    }
}

pub(super) fn serves(language: Language, module: &str) -> bool {
    static SERVING: [OnceLock<FxHashSet<&'static str>>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    let serving = SERVING[language as usize].get_or_init(|| serving(language));
    let ends = module.match_indices(['.', '/']).map(|(at, _)| at).chain([module.len()]);
    ends.into_iter().any(|end| serving.contains(&module[..end]))
}

/// The modules of libraries that serve.
fn serving(language: Language) -> FxHashSet<&'static str> {
    let libraries = Knowledge::built_in(language).libraries().iter();
    let serving = libraries.filter(|library| {
        // A library that also calls out says nothing about serving.
        let serves = library.functions.iter().any(|function| {
            function.makes == Some(TypeRole::Server) || function.hop.is_some_and(|hop| hop.kind == HopKind::Serve)
        });
        let calls = library
            .functions
            .iter()
            .any(|function| function.hop.is_some_and(|hop| matches!(hop.kind, HopKind::HttpCall | HopKind::RpcCall)));
        serves && !calls
    });
    serving.flat_map(|library| &library.modules).map(String::as_str).collect()
}

fn finding(unit: &UnitView, place: Place) -> Finding {
    Finding {
        rule: "dark-service",
        severity: None,
        confidence: Confidence::Likely,
        place,
        message: format!("Nothing traces the service {}, while other services of this workspace are traced", unit.name),
        label: "serves requests here, untraced".to_owned(),
        effect: "Traces end at this service, and whatever it calls starts new ones".to_owned(),
        help: format!(
            "Switch on in {} the tracing that its neighbours use; this assumes that a traced service calls it",
            unit.name
        ),
        confirm: format!("Send a request through a caller of {}: its trace ends with the call", unit.name),
        service: unit.name.clone(),
        language: Some(unit.language),
        related: Vec::new(),
    }
}
