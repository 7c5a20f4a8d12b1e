//! What somebody saw, in their own words: "our traces show the gateway and checkout, and nothing after".
//!
//! Only names of the map and a few turns of speech are understood; what was understood is told.

use super::journey::{JourneyError, unknown};
use super::names::Names;

/// What was understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The services that were named and are not said to be lost, in the order in which they were named.
    pub seen: Vec<usize>,
    /// What was said to be wrong.
    pub lost: Lost,
    /// The same for people.
    pub understood: Vec<String>,
}

/// What is said to be wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Lost {
    /// Nothing that was understood.
    #[default]
    Nothing,
    /// Nothing is there behind this service.
    After(usize),
    /// These services are not there.
    Missing(Vec<usize>),
    /// This service begins a trace of its own.
    NewTrace(usize),
    /// The trace is lost between these two.
    Between(usize, usize),
}

const NEGATIONS: &[&str] = &[
    "no",
    "not",
    "never",
    "without",
    "missing",
    "misses",
    "miss",
    "absent",
    "gone",
    "lacks",
    "lack",
    "lacking",
    "dont",
    "doesnt",
    "isnt",
    "arent",
    "cant",
    "cannot",
    "didnt",
    "vanishes",
    "disappears",
    "disappear",
    "lost",
];
const ENDS: &[&str] = &[
    "stop",
    "stops",
    "stopped",
    "end",
    "ends",
    "ended",
    "break",
    "breaks",
    "broken",
    "lost",
    "lose",
    "loses",
    "vanishes",
    "disappears",
    "dies",
    "nothing",
    "none",
    "last",
];
const BEHIND: &[&str] = &["after", "behind", "beyond", "past", "downstream", "at", "with", "in"];
const OTHER: &[&str] = &["new", "own", "separate", "another", "different", "second", "fresh", "other", "disconnected"];
const CLAUSES: &[&str] = &["but", "while", "whereas", "although", "however", "though"];
/// Words of the sentence that are never a service's name.
const PLAIN: &[&str] = &[
    "the", "our", "my", "their", "we", "see", "seen", "show", "shows", "trace", "traces", "span", "spans", "service",
    "services", "and", "or", "of", "is", "are", "from", "to", "it", "there", "only", "then", "that", "this", "i", "as",
    "for", "on",
];

/// The most words that are read.
const MAX_WORDS: usize = 500;
/// The most words of one name.
const MAX_NAME: usize = 4;

#[derive(Debug)]
enum Part {
    Name(usize),
    Word(String),
    /// Where one clause ends.
    Stop,
}

/// Reads a sentence; an error where it names no service of the map.
pub fn understand(sentence: &str, names: &Names) -> Result<Said, JourneyError> {
    let parts = parts(sentence, names);
    let named: Vec<usize> = parts.iter().filter_map(name).collect();
    if named.is_empty() {
        return Err(unknown(sentence, names));
    }
    let lost = lost(&parts);
    let is_lost = |at: &usize| matches!(&lost, Lost::Missing(nodes) if nodes.contains(at));
    let mut seen: Vec<usize> = Vec::new();
    for at in named.into_iter().filter(|at| !is_lost(at)) {
        if !seen.contains(&at) {
            seen.push(at);
        }
    }
    let understood = told(&seen, &lost, names);
    Ok(Said { seen, lost, understood })
}

/// The sentence as names and words.
fn parts(sentence: &str, names: &Names) -> Vec<Part> {
    let mut words: Vec<String> = Vec::new();
    for word in sentence.split_whitespace().take(MAX_WORDS) {
        let end = word.ends_with([',', ';', '.', '!', '?', ':']);
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        let word: String = word.chars().filter(kept).collect();
        words.push(word.trim_matches(['.', '-']).to_owned());
        if end {
            words.push(String::new());
        }
    }
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word.is_empty() {
            out.push(Part::Stop);
            at += 1;
            continue;
        }
        let longest = (1..=MAX_NAME).rev().find_map(|length| {
            let part = words.get(at..at + length)?;
            let is_name = part.iter().all(|word| !word.is_empty()) && can_be_name(part, out.last());
            Some((is_name.then(|| names.exactly(&part.join("-"))).flatten()?, length))
        });
        match longest {
            Some((node, length)) => {
                out.push(Part::Name(node));
                at += length;
            }
            None => {
                let word = word.to_lowercase();
                out.push(if CLAUSES.contains(&word.as_str()) { Part::Stop } else { Part::Word(word) });
                at += 1;
            }
        }
    }
    out
}

/// Whether words can be a name: not only words of the sentence itself, and a single letter only in upper case or
/// behind the word "service".
fn can_be_name(words: &[String], before: Option<&Part>) -> bool {
    let after_service = matches!(before, Some(Part::Word(word)) if word == "service");
    match words {
        [one] if one.chars().count() == 1 => after_service || one.chars().all(|c| c.is_uppercase() && c != 'I'),
        [one] => !PLAIN.contains(&one.to_lowercase().as_str()),
        _ => true,
    }
}

fn name(part: &Part) -> Option<usize> {
    match part {
        Part::Name(at) => Some(*at),
        _ => None,
    }
}

fn word(parts: &[Part], at: usize) -> &str {
    match parts.get(at) {
        Some(Part::Word(word)) => word,
        _ => "",
    }
}

fn lost(parts: &[Part]) -> Lost {
    between(parts).or_else(|| ending(parts)).or_else(|| beginning(parts)).or_else(|| missing(parts)).unwrap_or_default()
}

/// "between checkout and email".
fn between(parts: &[Part]) -> Option<Lost> {
    let at = (0..parts.len()).find(|at| word(parts, *at) == "between")?;
    let mut names = parts.get(at..)?.iter().filter_map(name);
    Some(Lost::Between(names.next()?, names.next()?))
}

/// "nothing after checkout", "and nothing after", "stops at checkout".
fn ending(parts: &[Part]) -> Option<Lost> {
    for at in (0..parts.len()).filter(|at| ENDS.contains(&word(parts, *at))) {
        // Up to two words can stand between: "ends right after the gateway".
        let Some(behind) = (at + 1..=at + 3).find(|next| BEHIND.contains(&word(parts, *next))) else { continue };
        let near = parts.get(behind + 1..(behind + 4).min(parts.len())).unwrap_or_default();
        let near = near.iter().take_while(|part| !matches!(part, Part::Stop)).find_map(name);
        let before = || parts.get(..at)?.iter().rev().find_map(name);
        // "is lost in transit" names nobody; "nothing after that" names who was named before.
        let is_place = matches!(word(parts, behind), "at" | "with" | "in");
        if let Some(node) = near.or_else(|| if is_place { None } else { before() }) {
            return Some(Lost::After(node));
        }
    }
    None
}

/// "email starts a new trace", "email is a root span".
fn beginning(parts: &[Part]) -> Option<Lost> {
    let is_phrase = |at: &usize| {
        let next = word(parts, at + 1);
        OTHER.contains(&word(parts, *at)) && next.starts_with("trace") || word(parts, *at) == "root"
    };
    let at = (0..parts.len()).find(is_phrase)?;
    // "after checkout" says where it comes from, not who begins.
    let is_origin =
        |at: usize| at > 0 && matches!(word(parts, at - 1), "after" | "from" | "by" | "than" | "under" | "behind");
    let start = parts.get(..at)?.iter().rposition(|part| matches!(part, Part::Stop)).map_or(0, |stop| stop + 1);
    let who = |at: usize| parts.get(at).and_then(name).filter(|_| !is_origin(at));
    let end = (at..parts.len()).find(|at| matches!(parts.get(*at), Some(Part::Stop))).unwrap_or(parts.len());
    let mut nearest = (start..at).rev().chain(at..end).chain((0..start).rev());
    nearest.find_map(who).map(Lost::NewTrace)
}

/// "email is missing", "no spans of email", "but not email": names behind the word in its clause, else those before it.
fn missing(parts: &[Part]) -> Option<Lost> {
    let mut out: Vec<usize> = Vec::new();
    for clause in parts.split(|part| matches!(part, Part::Stop)) {
        let Some(at) = (0..clause.len()).find(|at| NEGATIONS.contains(&word(clause, *at))) else { continue };
        let names = |part: Option<&[Part]>| part.unwrap_or_default().iter().filter_map(name).collect::<Vec<_>>();
        let behind = names(clause.get(at..));
        out.extend(if behind.is_empty() { names(clause.get(..at)) } else { behind });
    }
    (!out.is_empty()).then_some(Lost::Missing(out))
}

fn told(seen: &[usize], lost: &Lost, names: &Names) -> Vec<String> {
    let list = |nodes: &[usize]| nodes.iter().map(|at| names.of(*at)).collect::<Vec<_>>().join(", ");
    let mut out = Vec::new();
    if !seen.is_empty() {
        out.push(format!("named: {}", list(seen)));
    }
    out.push(match lost {
        Lost::Nothing => "of what is wrong nothing was understood; turns of speech that are: \"nothing after X\", \"X is missing\", \"X starts a new trace\", \"between X and Y\"".to_owned(),
        Lost::After(at) => format!("nothing is there behind {}", names.of(*at)),
        Lost::Missing(nodes) => format!("missing: {}", list(nodes)),
        Lost::NewTrace(at) => format!("{} begins a trace of its own", names.of(*at)),
        Lost::Between(one, other) => format!("the trace is lost between {} and {}", names.of(*one), names.of(*other)),
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::{Map, Node, NodeKind};

    fn names() -> Names {
        let node = |name: &str| Node {
            name: name.to_owned(),
            kind: NodeKind::Process,
            repository: String::new(),
            root: String::new(),
            language: None,
            stacks: Vec::new(),
            hops: Default::default(),
            hosts: Vec::new(),
        };
        let nodes = ["gateway", "service-a", "product-catalog", "email"].map(node).to_vec();
        Names::new(&Map { nodes, ..Map::default() }, &[], &[])
    }

    fn said(text: &str) -> (Vec<usize>, Lost) {
        let said = understand(text, &names()).unwrap();
        (said.seen, said.lost)
    }

    #[test]
    fn sentences_name_services_and_what_is_wrong() {
        let after = said("our traces show the gateway and service A, and nothing after");
        assert_eq!(after, (vec![0, 1], Lost::After(1)));
        assert_eq!(said("The trace stops at the Product Catalog service.").1, Lost::After(2));
        assert_eq!(
            said("we see gateway and product catalog, but no spans of email"),
            (vec![0, 2], Lost::Missing(vec![3]))
        );
        assert_eq!(said("email is missing").1, Lost::Missing(vec![3]));
        assert_eq!(said("gateway is there, but we don't see email").1, Lost::Missing(vec![3]));
        assert_eq!(said("after service-a email starts a new trace").1, Lost::NewTrace(3));
        assert_eq!(said("it is lost between gateway and email").1, Lost::Between(0, 3));
        assert_eq!(said("why is the gateway so slow").1, Lost::Nothing);
    }

    #[test]
    fn a_sentence_without_a_service_is_an_error() {
        assert!(understand("everything is broken", &names()).unwrap_err().help.contains("gateway"));
        assert!(understand(&"x ".repeat(100_000), &names()).is_err());
    }
}
