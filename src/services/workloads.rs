//! The processes of a workspace, with their names, their environment and whose code they run.

use super::Unit;
use super::attribute::Units;
use super::launch::{FactKind, Launch};
use super::{docker, shell};
use crate::facts::{Variable, Workload};
use crate::ir::Language;
use crate::map::in_connection;
use crate::paths::{folder, is_below, join};
use crate::yaml::is_template;
use std::collections::{BTreeMap, BTreeSet};

/// The processes that deployment files start. `units` are the workspace's, `gathering` the roots that only gather others.
pub(super) fn workloads(units: &[Unit], gathering: &[String], launches: &[Launch]) -> Vec<Workload> {
    let known = Units { units, gathering };
    let images: BTreeMap<&str, &Launch> = launches.iter().map(|launch| (launch.path.as_str(), launch)).collect();
    let processes =
        launches.iter().filter(|launch| !docker::is_dockerfile(&launch.path) && !shell::is_script(&launch.path));
    let mut out: Vec<Workload> = Vec::new();
    let mut near: Vec<usize> = Vec::new();
    let sure = |launch: &Launch, at: usize| launch.dockerfile.is_some() || known.is_sure(launch, at);
    let whose = |launch: &Launch| -> Vec<usize> {
        let of_others = is_of_others(launch, &images);
        let all = known.of(launch, &[Language::Go, Language::Python, Language::Java]).into_iter();
        all.filter(|at| !of_others || is_inside(&units[*at], launch)).collect()
    };
    let claimed: BTreeSet<(&str, usize)> = processes
        .clone()
        .flat_map(|launch| whose(launch).into_iter().map(move |at| (launch, at)))
        .filter(|(launch, at)| sure(launch, *at))
        .map(|(launch, at)| (launch.path.as_str(), at))
        .collect();
    // A database beside a service is not the service: who is only near is left out where a file names the right one.
    let owners = |launch: &Launch| -> Vec<usize> {
        let all = whose(launch).into_iter();
        all.filter(|at| sure(launch, *at) || !claimed.contains(&(launch.path.as_str(), *at))).collect()
    };
    for launch in processes {
        let titles = Some(&launch.title).filter(|title| !title.is_empty());
        let Some(name) = titles.or(launch.names.first()).filter(|name| !is_template(name)) else { continue };
        let own = owners(launch);
        let image = launch.dockerfile.as_deref().and_then(|path| images.get(path)).copied();
        let mut environment: BTreeMap<String, Variable> = BTreeMap::new();
        for source in image.into_iter().chain([launch]) {
            for fact in &source.facts {
                if let FactKind::Variable(name, value) | FactKind::Common(name, value) = &fact.kind {
                    let line = if std::ptr::eq(source, launch) { fact.line } else { launch.line };
                    let value = if may_be_secret(name) { HIDDEN.to_owned() } else { without_secrets(value) };
                    let common = matches!(fact.kind, FactKind::Common(..));
                    let found = Variable { name: name.clone(), value, common, line };
                    environment.insert(name.clone(), found);
                }
            }
        }
        if own.iter().any(|at| !sure(launch, *at)) {
            near.push(out.len());
        }
        let mut hosts = launch.hosts.clone();
        hosts.sort();
        hosts.dedup();
        // A process runs one program: what is only near it is none of its own.
        let runs: Vec<String> = own.iter().map(|at| units[*at].root.clone()).filter(|_| own.len() == 1).collect();
        out.push(Workload {
            path: launch.path.clone(),
            line: launch.line,
            copies: copies(image.unwrap_or(launch), launch, runs.first().map(String::as_str)),
            stacks: Vec::new(),
            passes: Vec::new(),
            name: name.clone(),
            hosts,
            image: launch.image.clone(),
            base: image.and_then(base).unwrap_or_default(),
            runs,
            environment: environment.into_values().collect(),
        });
    }
    for at in near.into_iter().filter(|at| runs_elsewhere(&out, *at)).collect::<Vec<_>>() {
        out[at].runs.clear();
    }
    out.sort_by(|one, other| (&one.path, one.line, &one.name).cmp(&(&other.path, other.line, &other.name)));
    out
}

/// Whether a process is built in a folder that is not there, or on an image for a language that is not read: what lies
/// around the folder is none of its code.
fn is_of_others(launch: &Launch, images: &BTreeMap<&str, &Launch>) -> bool {
    let Some(dockerfile) = launch.dockerfile.as_deref() else { return false };
    let Some(image) = images.get(dockerfile) else { return true };
    let known = &crate::deploy::known().foreign_images;
    let is_foreign = |base: &str| {
        let name = base.split(['@', ':']).next().unwrap_or(base);
        known.iter().any(|one| name == one || name.strip_suffix(one.as_str()).is_some_and(|rest| rest.ends_with('/')))
    };
    image.facts.iter().any(|fact| matches!(&fact.kind, FactKind::Base(base) if is_foreign(base)))
}

/// Whether a unit lies in the folder that a process is built in.
fn is_inside(unit: &Unit, launch: &Launch) -> bool {
    let beside = launch.dockerfile.as_deref().map_or("", folder);
    is_below(&unit.root, launch.context.as_deref().unwrap_or(beside))
}

/// Whether a process that is only near some code runs an image that another file starts for no code, or for other code.
fn runs_elsewhere(all: &[Workload], at: usize) -> bool {
    let Some(own) = all.get(at).filter(|own| !own.image.is_empty()) else { return false };
    all.iter().any(|other| other.path != own.path && other.image == own.image && other.runs != own.runs)
}

/// The image that the last stage of another is built on.
fn base(image: &Launch) -> Option<String> {
    image.facts.iter().rev().find_map(|fact| match &fact.kind {
        FactKind::Base(name) => Some(name.clone()),
        _ => None,
    })
}

/// What an image takes from beside the folder of the code that it runs.
fn copies(image: &Launch, launch: &Launch, root: Option<&str>) -> Vec<String> {
    let context = launch.context.as_deref().unwrap_or_else(|| folder(&image.path));
    let copied = image.facts.iter().filter_map(|fact| match &fact.kind {
        FactKind::Copied(path) if !path.contains(['*', '$', '[']) => join(context, path),
        _ => None,
    });
    let mut out: Vec<String> =
        copied.filter(|path| root.is_none_or(|root| !is_below(path, root) && !is_below(root, path))).collect();
    out.sort();
    out.dedup();
    out
}

/// What stands in the place of a value that may be a secret.
const HIDDEN: &str = "…";

/// Whether a variable of this name may hold what proves who somebody is.
pub(super) fn may_be_secret(name: &str) -> bool {
    const KEYS: &[&str] = &["KEY", "KEYS", "APIKEY", "ACCESSKEY", "SECRETKEY", "PRIVATEKEY"];
    const WORDS: &[&str] = &["TOKEN", "SECRET", "PASSWORD", "PASSWD", "HEADERS", "CREDENTIAL", "DSN", "AUTH", "PWD"];
    let name = name.to_ascii_uppercase();
    // A `VALKEY_ADDR` is the address of a Valkey.
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| KEYS.contains(&word)) || WORDS.iter().any(|word| name.contains(word))
}

/// A value without the user and password of an address.
pub(super) fn without_secrets(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else {
        return in_connection(value).map_or_else(|| value.to_owned(), |host| format!("Host={host}"));
    };
    let rest = without_secret_settings(rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest.get(..end).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://{}", rest.get(at + 1..).unwrap_or_default()),
        None => format!("{scheme}://{rest}"),
    }
}

/// What stands behind a scheme without its settings where one of them may be a secret: `db:5432/shop?password=x`.
fn without_secret_settings(rest: &str) -> &str {
    let Some((start, settings)) = rest.split_once(['?', ';']) else { return rest };
    let mut names = settings.split(['&', ';']).filter_map(|setting| setting.split_once('='));
    if names.any(|(name, _)| may_be_secret(name)) { start } else { rest }
}

#[cfg(test)]
mod tests {
    use super::{may_be_secret, without_secrets};

    #[test]
    fn addresses_lose_their_passwords() {
        assert_eq!(without_secrets("postgres://me:secret@db/shop?x=a@b"), "postgres://db/shop?x=a@b");
        assert_eq!(without_secrets("http://cart:80/a@b"), "http://cart:80/a@b");
        assert_eq!(without_secrets("plain"), "plain");
        assert_eq!(without_secrets("jdbc:postgresql://db/shop?user=me&password=x"), "jdbc:postgresql://db/shop");
        assert_eq!(without_secrets("Host=db;Password=x;Username=me"), "Host=db");
        assert_eq!(without_secrets("http://cart?size=3"), "http://cart?size=3");
        assert!(may_be_secret("api_key") && may_be_secret("OTEL_EXPORTER_OTLP_HEADERS") && !may_be_secret("CART_ADDR"));
        assert!(may_be_secret("OPENAI_APIKEY") && !may_be_secret("VALKEY_ADDR"));
    }
}
