//! What a Go package has to do with traces, by its path and by what is described of it.

use super::tracing::sets_up;
use crate::knowledge::{FunctionDescription, LibraryDescription, NameOf, has_part, speaks_of_tracing, vocabulary};
use crate::link::Program;
use ustr::Ustr;

/// Whether a package from elsewhere, of which no description tells, may have to do with traces, by its path.
pub(super) fn may_trace(program: &Program<'_>, package: &str) -> bool {
    names_tracer(package)
        && Ustr::from_existing(package).is_none_or(|package| program.module_unit(&package).is_none())
        && !is_described(program, package)
        && !is_of_others(package)
}

/// Whether a package that is named after tracing is about measurements, logs or messages.
fn is_of_others(package: &str) -> bool {
    let lower = package.to_ascii_lowercase();
    let known = vocabulary();
    is_of_metrics(&lower) || has_part(&lower, &known.unrelated_packages) || has_part(&lower, &known.helping_packages)
}

/// Whether a package, in lower case, is about metrics alone (`telemetry/metric.Meter.RegisterCallback`).
fn is_of_metrics(package: &str) -> bool {
    package.split(['/', '.']).any(|part| part.contains("metric") && !part.contains("trac"))
}

/// Starts of the names of functions that set something up.
const SETTERS: &[&str] =
    &["init", "setup", "start", "new", "configure", "config", "register", "install", "enable", "set", "must", "run"];

/// The package of a function or method, by its qualified name.
pub(super) fn package_of(name: &str) -> Option<Ustr> {
    let folder = name.rfind('/').map_or(0, |at| at + 1);
    let end = name.get(folder..)?.find('.')? + folder;
    Ustr::from_existing(name.get(..end)?)
}

/// Whether a function that no description has may set tracing up, by its package and its own name.
pub(super) fn may_set_up(program: &Program<'_>, full: &str) -> bool {
    let lower = full.to_ascii_lowercase();
    let Some((package, name)) = lower.rsplit_once('.') else { return false };
    // What starts or fills a span sets nothing up, nor do flags.
    let is_other = name.contains("span") || package.ends_with(".span");
    let is_other = is_other || has_part(package, &vocabulary().unrelated_packages);
    let is_other = is_other || is_of_metrics(package);
    let is_setter = !is_other && !name.contains("flag") && SETTERS.iter().any(|start| name.starts_with(start));
    // Of a library that is described, what sets it up is, too.
    let is_of_helper = || package_of(full).is_some_and(|package| is_of_helper(program, &package));
    is_setter && names_tracer(package) && !is_of_helper()
}

/// Whether a function that no description has may start spans or instrument a server: it is of a package about tracing, and
/// its library is not described, or is one that instruments.
pub(super) fn may_begin(program: &Program<'_>, package: Ustr, name: &str) -> bool {
    // An option does nothing by itself, nor does what belongs to a described type stand in front of a server.
    let own = name.get(package.len() + 1..).unwrap_or_default();
    let is_of_described = || {
        let owner = own.split_once('.').and_then(|(owner, _)| Ustr::from_existing(&format!("{package}.{owner}")));
        owner.is_some_and(|owner| program.knowledge.ty(owner).is_some())
    };
    !own.starts_with("With") && !own.ends_with("Options") && !is_of_described()
}

/// Whether functions of a package that no description has may start spans or instrument a server.
pub(super) fn may_hold_beginnings(program: &Program<'_>, package: &str) -> bool {
    if !names_tracer(package) || is_described_apart(program, package) {
        return false;
    }
    let libraries = program.knowledge.libraries().iter();
    let of_package = |library: &&LibraryDescription| library.modules.iter().any(|module| lies_in(package, module));
    let mut describing = libraries.filter(of_package).peekable();
    let instruments =
        |library: &LibraryDescription| library.functions.iter().any(|function| function.instruments.is_some());
    describing.peek().is_none() || describing.any(instruments)
}

/// Whether things of a package itself are described, and none of them instruments or works on headers.
fn is_described_apart(program: &Program<'_>, package: &str) -> bool {
    let is_here = |name: &Ustr| {
        let rest = name.strip_prefix(package).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| !rest.contains('/'))
    };
    // What methods do is told of their types.
    let is_function =
        |name: &Ustr| is_here(name) && !name.get(package.len() + 1..).is_some_and(|own| own.contains('.'));
    let works = |one: &FunctionDescription| {
        one.instruments.is_some()
            || (one.inject.is_some() || one.extract.is_some()) && one.names.iter().any(is_function)
    };
    let libraries = || program.knowledge.libraries().iter();
    let functions = libraries().flat_map(|library| &library.functions).filter(|one| one.names.iter().any(is_here));
    let types = libraries().flat_map(|library| &library.types).filter(|ty| ty.names.iter().any(is_here));
    let mut found = functions.map(works).chain(types.map(|ty| ty.instrumented)).peekable();
    found.peek().is_some() && !found.any(|works| works)
}

/// Whether a package of which nothing is seen makes servers, by its name.
pub(super) fn makes_servers(package: &str) -> bool {
    let name = package.rsplit('/').next().unwrap_or(package).to_lowercase();
    has_part(&name, &vocabulary().serving_packages)
}

/// Whether a package is of another repository of the one whose package the other is: of the same account on a host of code,
/// or on the same host.
pub(super) fn is_of_owner(package: &str, other: &str) -> bool {
    fn parts(path: &str) -> (&str, &str) {
        let host = path.split('/').next().unwrap_or_default();
        let owner = if vocabulary().code_hosts.contains(&host.to_ascii_lowercase()) { 2 } else { 1 };
        let end = |count: usize| path.match_indices('/').nth(count - 1).map_or(path.len(), |(at, _)| at);
        (&path[..end(owner)], &path[..end(owner + 1)])
    }
    let ((owner, repository), (other_owner, other_repository)) = (parts(package), parts(other));
    owner.contains('.') && owner == other_owner && repository != other_repository
}

/// Whether a package's path speaks of tracing; those of the standard library, which begin with no domain, are not meant,
/// nor does the name of whoever a repository belongs to say what is in it (`github.com/uptrace/bun`).
pub(super) fn names_tracer(path: &str) -> bool {
    let Some((host, rest)) = path.split_once('/').filter(|(host, _)| host.contains('.')) else { return false };
    let host = host.to_ascii_lowercase();
    let rest = match vocabulary().code_hosts.contains(&host) {
        true => rest.split_once('/').map_or("", |(_, repository)| repository),
        false => path,
    };
    speaks_of_tracing(rest, NameOf::GoPackage)
}

/// Whether a package is of a library that is described, and that sets no tracing up: it is instrumented, or makes logs or
/// measurements.
fn is_of_helper(program: &Program<'_>, package: &str) -> bool {
    let libraries = program.knowledge.libraries().iter();
    let of_package = |library: &&LibraryDescription| library.modules.iter().any(|module| lies_in(package, module));
    let mut describing = libraries.filter(of_package).peekable();
    describing.peek().is_some() && !describing.any(|library| library.functions.iter().any(sets_up))
}

/// Whether a package is of a library that is described.
pub(super) fn is_described(program: &Program<'_>, package: &str) -> bool {
    let mut modules = program.knowledge.libraries().iter().flat_map(|library| &library.modules);
    modules.any(|module| lies_in(package, module))
}

/// Whether a package is this one or lies below it.
pub(super) fn lies_in(package: &str, module: &str) -> bool {
    package.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a qualified name is one of a package or of those below it.
pub(super) fn is_named_in(name: &str, package: &str) -> bool {
    name.strip_prefix(package).is_some_and(|rest| rest.starts_with(['.', '/']))
}
