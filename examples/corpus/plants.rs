//! Breaks that are planted into repositories which are well traced: how many of them are told.
//!
//! Each plant is put into one place of a repository, the first one where it fits; the program checks the tree, and the place
//! is put back. A break is told where a finding comes in that file which was not there before.

use super::edits::{Edit, place};
use super::{DIFFERENT, Found, Options, Outcome, Repositories, SAME, data, fetch, findings};
use hoplint::ir::Language;
use regex::Regex;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The largest file that anything is planted into, in bytes.
const MAX_SIZE: u64 = 200 * 1024;

/// `plants.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plants {
    plant: Vec<Plant>,
}

/// One kind of break.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plant {
    name: String,
    language: Language,
    find: String,
    #[serde(default)]
    edit: Option<Edit>,
    #[serde(default)]
    replace: Option<String>,
    #[serde(default)]
    needs: Vec<String>,
}

impl Plant {
    /// The text of a file with the break in it, and the byte at which that begins; `None` where it fits nowhere.
    fn put(&self, find: &Regex, text: &str) -> Option<(String, usize)> {
        if !self.needs.iter().all(|needed| text.contains(needed)) {
            return None;
        }
        find.captures_iter(text).find_map(|found| {
            let whole = found.get(0)?;
            let (span, new) = match (&self.replace, self.edit) {
                (Some(template), _) => {
                    let mut new = String::new();
                    found.expand(template, &mut new);
                    (whole.range(), new)
                }
                (None, edit) => {
                    let call = found.name("call").unwrap_or(whole);
                    place(edit?, self.language, text, call.start(), call.end())?
                }
            };
            let changed = [text.get(..span.start)?, &new, text.get(span.end..)?].concat();
            (changed != text).then_some((changed, span.start))
        })
    }
}

/// How often breaks of a kind are told.
#[derive(Debug, Default)]
struct Tally {
    told: usize,
    missed: usize,
}

/// Plants every kind of break into every repository, or into those that are named, once each.
pub(super) fn check(options: &Options, repositories: &Repositories) -> Outcome<u8> {
    let plants: Plants = toml::from_str(&fs::read_to_string(data("plants.toml"))?)?;
    let finds: Vec<Regex> = plants.plant.iter().map(|plant| Regex::new(&plant.find)).collect::<Result<_, _>>()?;
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|part| name.contains(part.as_str()));
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for (name, commit) in repositories.commits.iter().filter(|(name, _)| wanted(name)) {
        let tree = fetch(options, name, commit)?;
        let sources = sources(&tree)?;
        let mut before = None;
        for (plant, find) in plants.plant.iter().zip(&finds) {
            let Some((path, text, changed, at)) = site(plant, find, &tree, &sources)? else { continue };
            if before.is_none() {
                before = Some(known(&findings(&options.after, &tree)?));
            }
            let after = {
                let _held = Held::new(tree.join(&path), text.clone(), &changed)?;
                findings(&options.after, &tree)?
            };
            let told = after.iter().find(|found| {
                found.path == path && !before.as_ref().is_some_and(|before| before.contains(&found.fingerprint))
            });
            let tally = tallies.entry(&plant.name).or_default();
            let line = text[..at].matches('\n').count() + 1;
            match told {
                Some(found) => {
                    tally.told += 1;
                    println!("{name} {path}:{line} {}: told by {}", plant.name, found.rule);
                }
                None => {
                    tally.missed += 1;
                    println!("{name} {path}:{line} {}: missed", plant.name);
                }
            }
        }
    }
    println!("\n{:<30}{:>7}{:>8}", "plant", "told", "missed");
    tallies.iter().for_each(|(name, tally)| println!("{name:<30}{:>7}{:>8}", tally.told, tally.missed));
    Ok(if tallies.values().all(|tally| tally.missed == 0) { SAME } else { DIFFERENT })
}

fn known(found: &[Found]) -> BTreeSet<String> {
    found.iter().map(|found| found.fingerprint.clone()).collect()
}

/// The sources of a tree that services are built of, as hoplint lists them, those that are small enough.
fn sources(tree: &Path) -> Outcome<Vec<(Language, String)>> {
    let walked = hoplint::walk::walk(tree, &hoplint::walk::WalkOptions::default());
    let small = walked.sources.into_iter().filter(|source| source.size <= MAX_SIZE);
    Ok(small.map(|source| (source.language, source.relative)).collect())
}

/// The first file into which a break can be planted: its path, its text, that with the break, and where this begins.
fn site(
    plant: &Plant,
    find: &Regex,
    tree: &Path,
    sources: &[(Language, String)],
) -> Outcome<Option<(String, String, String, usize)>> {
    for (_, path) in sources.iter().filter(|(language, _)| *language == plant.language) {
        let Ok(text) = fs::read_to_string(tree.join(path)) else { continue };
        if let Some((changed, at)) = plant.put(find, &text) {
            return Ok(Some((path.clone(), text, changed, at)));
        }
    }
    Ok(None)
}

/// A file with another text for a while: it gets its own back when this goes.
struct Held {
    path: PathBuf,
    text: String,
}

impl Held {
    fn new(path: PathBuf, text: String, changed: &str) -> Outcome<Self> {
        let held = Self { path, text };
        fs::write(&held.path, changed)?;
        Ok(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.text) {
            eprintln!("{}: not put back: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planted(name: &str, text: &str) -> Option<String> {
        let plants: Plants = toml::from_str(&fs::read_to_string(data("plants.toml")).unwrap()).unwrap();
        let plant = plants.plant.into_iter().find(|plant| plant.name == name).unwrap();
        plant.put(&Regex::new(&plant.find).unwrap(), text).map(|(text, _)| text)
    }

    #[test]
    fn every_plant_is_one() {
        let plants: Plants = toml::from_str(&fs::read_to_string(data("plants.toml")).unwrap()).unwrap();
        for plant in &plants.plant {
            assert!(Regex::new(&plant.find).is_ok(), "{}", plant.name);
            assert!(plant.edit.is_some() != plant.replace.is_some(), "{}", plant.name);
        }
    }

    #[test]
    fn breaks_are_planted() {
        let told = |name: &str, text: &str| planted(name, text).unwrap();
        let text = "c := http.Client{Transport: otelhttp.NewTransport(base(\")\"), opts...)}";
        assert_eq!(told("go-client-transport", text), "c := http.Client{Transport: base(\")\")}");
        let text = "grpc.NewClient(a, grpc.WithStatsHandler(otelgrpc.NewClientHandler()), creds)";
        assert_eq!(told("go-channel-handler", text), "grpc.NewClient(a, creds)");
        let text = "grpc.NewServer(creds, grpc.StatsHandler(otelgrpc.NewServerHandler()))";
        assert_eq!(told("go-rpc-server-handler", text), "grpc.NewServer(creds)");
        let text = "a()\n\totel.SetTextMapPropagator(p)\n\tb()\n";
        assert_eq!(told("go-propagator", text), "a()\n\tb()\n");
        let text = "from opentelemetry import propagate\n    propagate.inject(headers)\n";
        assert_eq!(told("python-inject", text), "from opentelemetry import propagate\n    pass\n");
        let text = "from opentelemetry import propagate\nctx = propagate.extract(headers)\n";
        assert_eq!(told("python-extract", text), "from opentelemetry import propagate\nctx = None\n");
        let text = "tracer.spanBuilder(\"a\")\n    .setParent(parent)\n    .startSpan();";
        assert_eq!(told("java-span-parent", text), "tracer.spanBuilder(\"a\")\n    .startSpan();");
        assert_eq!(planted("go-request-context", "package a\nx(r.Context(), 1)\n"), None);
    }

    #[test]
    fn a_file_gets_its_text_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.go");
        drop(Held::new(path.clone(), "old".to_owned(), "new").unwrap());
        assert_eq!(fs::read_to_string(path).unwrap(), "old");
    }
}
