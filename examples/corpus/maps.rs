//! The ways of the maps of whole systems, compared with what those said who read the code of both ends.

use super::{DIFFERENT, Options, Outcome, SAME, data, fetch, output};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// `maps.toml`: systems by their names.
type Maps = BTreeMap<String, System>;

/// One system.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct System {
    /// Its repositories (`owner/name`), each with the commit.
    repositories: BTreeMap<String, String>,
    /// A configuration of hoplint that all of them are read with: what a package says that they share and that is not there.
    #[serde(default)]
    configuration: String,
    /// Its ways; those of messages that nobody is seen to send are left out.
    ways: Vec<Way>,
}

/// One way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Way {
    /// Who calls or sends, and who is called or takes.
    from: String,
    to: String,
    /// How they are joined: `http`, `rpc`, `message`, `configured`.
    via: String,
    /// How the map has it stand, and how each of its ends.
    stands: String,
    leaves: String,
    arrives: String,
    /// What the code of both ends says, where the map does not tell it or tells it otherwise.
    #[serde(default)]
    truth: String,
}

impl Way {
    /// The way without what was read of it.
    fn told(&self) -> Self {
        Self { truth: String::new(), ..self.clone() }
    }

    fn words(&self) -> String {
        let Self { from, to, via, stands, leaves, arrives, .. } = self;
        format!("{from} → {to} ({via}): {stands}, leaves {leaves}, arrives {arrives}")
    }
}

/// Compares all systems, or those that are named.
pub(super) fn check(options: &Options) -> Outcome<u8> {
    let maps: Maps = toml::from_str(&fs::read_to_string(data("maps.toml"))?)?;
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|part| name.contains(part.as_str()));
    let mut status = SAME;
    for (name, system) in maps.iter().filter(|(name, _)| wanted(name)) {
        let found = ways(&map(options, system)?)?;
        let known: BTreeSet<Way> = system.ways.iter().map(Way::told).collect();
        if found != known {
            println!("{name}");
            known.difference(&found).for_each(|way| println!("  - {}", way.words()));
            found.difference(&known).for_each(|way| println!("  + {}", way.words()));
            status = DIFFERENT;
        }
    }
    Ok(status)
}

/// The map of a system, joined from the facts of its repositories.
fn map(options: &Options, system: &System) -> Outcome<String> {
    let folder = tempfile::tempdir()?;
    let configuration = folder.path().join("hoplint.toml");
    fs::write(&configuration, &system.configuration)?;
    let configuration = configuration.to_string_lossy();
    let mut arguments = vec!["map".to_owned(), "--quiet".to_owned(), "--format".to_owned(), "json".to_owned()];
    for (name, commit) in &system.repositories {
        let tree = fetch(options, name, commit)?;
        let short = name.rsplit('/').next().unwrap_or(name);
        let facts =
            output(&options.after, &tree, &["facts", "--config", &configuration, "--quiet", "--name", short, "."])?;
        fs::write(folder.path().join(format!("{short}.json")), facts)?;
        arguments.push(format!("{short}.json"));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    output(&options.after, folder.path(), &arguments)
}

/// The ways in a map as the program prints it.
fn ways(text: &str) -> Outcome<BTreeSet<Way>> {
    let map: serde_json::Value = serde_json::from_str(text)?;
    let edges = map["edges"].as_array().ok_or("no ways in the map")?;
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let node = |at: &serde_json::Value| &map["nodes"][at.as_u64().unwrap_or_default() as usize];
    let name = |at: &serde_json::Value| word(&node(at)["name"]);
    let way = |edge: &serde_json::Value| Way {
        from: name(&edge["from"]),
        to: name(&edge["to"]),
        via: word(&edge["via"]),
        stands: word(&edge["standing"]),
        leaves: word(&edge["leaves"]["standing"]),
        arrives: word(&edge["arrives"]["standing"]),
        truth: String::new(),
    };
    let is_sent = |edge: &&serde_json::Value| node(&edge["from"])["kind"] != "channel";
    Ok(edges.iter().filter(is_sent).map(way).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_is_of_known_words_and_full_commits() {
        let maps: Maps = toml::from_str(&fs::read_to_string(data("maps.toml")).unwrap()).unwrap();
        for (name, system) in &maps {
            for commit in system.repositories.values() {
                assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
            }
            for way in &system.ways {
                let all = [&way.stands, &way.leaves, &way.arrives];
                assert!(
                    all.iter().all(|word| ["carried", "broken", "unknown"].contains(&word.as_str())),
                    "{}",
                    way.words()
                );
                assert!(["http", "rpc", "message", "configured"].contains(&way.via.as_str()), "{}", way.words());
            }
        }
    }

    #[test]
    fn a_map_is_read() {
        let text = r#"{"nodes":[{"name":"a"},{"name":"b"}],"edges":[{"from":0,"to":1,"via":"rpc","standing":"unknown",
            "leaves":{"standing":"carried"},"arrives":{"standing":"unknown"}}]}"#;
        let found = ways(text).unwrap();
        assert_eq!(found.first().unwrap().words(), "a → b (rpc): unknown, leaves carried, arrives unknown");
    }
}
