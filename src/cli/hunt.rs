//! `hoplint hunt`.

use super::args::{HuntArgs, TextFormat, TreeArgs};
use super::ask::{ask, somebody_is_there};
use super::error::CliError;
use super::facts::{Gathered, gather_shown};
use super::{CLEAN, FOUND, NOTHING, check, output};
use crate::hunt::{self, Approach, Journey, JourneyError, Names, Question, Said, Sampling};
use crate::map::{Map, join};
use crate::report;
use crate::trace::{self, Id, MAX_BYTES, Recording, Request};
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `hoplint hunt`.
pub(super) fn hunt(args: &HuntArgs) -> Result<u8, CliError> {
    let (paths, sentence) = split(&args.tree.paths)?;
    // What cannot be read is said before the code is analysed.
    let mut recording = recorded(args)?;
    let gathered = gather_shown(&TreeArgs { paths, ..args.tree.clone() })?;
    let map = join(&gathered.facts);
    if !gathered.analysed || map.nodes.is_empty() {
        check::nothing(args.tree.quiet);
        return Ok(NOTHING);
    }
    let mut told = told(args, sentence.as_deref(), &map, &gathered)?;
    if somebody_is_there() && !args.no_questions && !args.tree.quiet {
        questions(args, &map, &mut told, &mut recording)?;
    }
    let answer = hunt::hunt(&Question {
        map: &map,
        facts: &gathered.facts,
        names: &told.names,
        journey: &told.journey,
        said: told.said.as_ref(),
        sampling: &told.sampling,
        stacks: &told.stacks,
        recording: recording.as_ref(),
    });
    output::write(args.output_file.as_deref(), false, |out| match args.format {
        TextFormat::Text => report::hunt::text(&answer, out),
        TextFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &answer).map_err(io::Error::from)?;
            writeln!(out)
        }
    })?;
    Ok(if answer.is_broken() { FOUND } else { CLEAN })
}

/// What the options and the sentence say.
struct Stated {
    names: Names,
    journey: Journey,
    said: Option<Said>,
    sampling: Sampling,
    stacks: BTreeMap<usize, String>,
}

/// The arguments that are paths, and the one that is a sentence: it is no file and has several words.
fn split(given: &[PathBuf]) -> Result<(Vec<PathBuf>, Option<String>), CliError> {
    let is_sentence = |path: &&PathBuf| {
        let text = path.to_string_lossy();
        !path.exists() && (text.contains(char::is_whitespace) || text.contains('→') || text.contains("->"))
    };
    let sentences: Vec<&PathBuf> = given.iter().filter(is_sentence).collect();
    if sentences.len() > 1 {
        let help = "put all of it between one pair of quotes".to_owned();
        return Err(CliError::Usage("several sentences say what was seen".to_owned(), Some(help)));
    }
    let sentence = sentences.first().map(|path| path.to_string_lossy().into_owned());
    Ok((given.iter().filter(|path| !is_sentence(path)).cloned().collect(), sentence))
}

fn told(args: &HuntArgs, sentence: Option<&str>, map: &Map, gathered: &Gathered) -> Result<Stated, CliError> {
    let plain = Names::new(map, &gathered.facts, &[]);
    let mut also = Vec::new();
    for pair in &args.service {
        let (name, service) = halves(pair, "--service", "NAME=SERVICE")?;
        also.push((name.to_owned(), one(service, &plain)?));
    }
    let names = Names::new(map, &gathered.facts, &also);
    let mut stacks = BTreeMap::new();
    for pair in &args.stack {
        let (service, stack) = halves(pair, "--stack", "SERVICE=STACK")?;
        stacks.insert(one(service, &names)?, stack_named(stack));
    }
    let arrows = sentence.filter(|text| text.contains('→') || text.contains("->"));
    let written = args.journey.as_deref().or(arrows);
    let journey = written.map(|text| hunt::parse_journey(text, &names)).transpose().map_err(unknown)?;
    let journey = journey.unwrap_or_default();
    let said = sentence.filter(|_| arrows.is_none()).map(|text| hunt::understand(text, &names));
    let said = said.transpose().map_err(nobody)?;
    let sampling = match args.sampling {
        Some(approach) => Sampling { approach, because: "as was said".to_owned() },
        None => hunt::found_sampling(&names, &journey.nodes),
    };
    Ok(Stated { names, journey, said, sampling, stacks })
}

/// The name of a stack; `none` for nothing.
fn stack_named(text: &str) -> String {
    if text.eq_ignore_ascii_case("none") { String::new() } else { text.to_owned() }
}

fn halves<'a>(pair: &'a str, option: &str, form: &str) -> Result<(&'a str, &'a str), CliError> {
    let found = pair.split_once('=').map(|(left, right)| (left.trim(), right.trim()));
    found.filter(|(left, right)| !left.is_empty() && !right.is_empty()).ok_or_else(|| {
        CliError::Usage(format!("`{option} {pair}` cannot be understood"), Some(format!("write {option} {form}")))
    })
}

fn one(name: &str, names: &Names) -> Result<usize, CliError> {
    let found = hunt::parse_journey(name, names).map_err(unknown)?;
    found.nodes.first().copied().ok_or_else(|| CliError::Usage(format!("`{name}` names no service"), None))
}

fn unknown(error: JourneyError) -> CliError {
    CliError::Usage(error.to_string(), Some(error.help))
}

fn nobody(error: JourneyError) -> CliError {
    CliError::Usage("the sentence names no service of the map".to_owned(), Some(error.help))
}

/// The recordings that are named, as one.
fn recorded(args: &HuntArgs) -> Result<Option<Recording>, CliError> {
    let mut out: Option<Recording> = None;
    for path in &args.trace {
        let found = of_file(path)?;
        out = Some(match out {
            Some(known) => known.with(found),
            None => found,
        });
    }
    let (Some(id), Some(backend), Some(url)) = (&args.trace_id, args.backend, &args.url) else { return Ok(out) };
    let help = || Some("a trace id has up to 32 hexadecimal digits".to_owned());
    let is_hex = !id.is_empty() && id.len() <= 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(id, 16).ok().filter(|number| is_hex && *number != 0);
    let trace = number.map(Id).ok_or_else(|| CliError::Usage(format!("`{id}` is no trace id"), help()))?;
    let limit = Duration::from_secs(u64::from(args.time_limit));
    let text = trace::fetch(&Request { backend, url, trace, limit })
        .map_err(|error| CliError::Usage(error.to_string(), Some(error.help)))?;
    let found = trace::read(&text).map_err(|error| {
        let help = format!("is this the address of {}'s API?", backend.title());
        CliError::Usage(format!("what the backend answers: {error}"), Some(help))
    })?;
    Ok(Some(match out {
        Some(known) => known.with(found),
        None => found,
    }))
}

/// The recording in a file.
fn of_file(path: &Path) -> Result<Recording, CliError> {
    let shown = path.display().to_string();
    let file = std::fs::File::open(path).map_err(CliError::io(shown.clone()))?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(CliError::io(shown.clone()))?;
    if bytes.len() as u64 > MAX_BYTES {
        let help = "export the part that matters".to_owned();
        return Err(CliError::Usage(format!("{shown} is larger than {} MiB", MAX_BYTES >> 20), Some(help)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let help = "export the trace as JSON; what is packed must be unpacked".to_owned();
        CliError::Usage(format!("{shown} is no text: byte {at} is not UTF-8"), Some(help))
    })?;
    trace::read(&text).map_err(|error| {
        let help = "export it as JSON from Jaeger, Tempo or Zipkin, or with the collector's file exporter".to_owned();
        CliError::Usage(format!("{shown}: {error}"), Some(help))
    })
}

/// Asks for what neither the options nor the code say.
fn questions(args: &HuntArgs, map: &Map, told: &mut Stated, recording: &mut Option<Recording>) -> Result<(), CliError> {
    let (mut input, mut output) = (io::stdin().lock(), io::stderr().lock());
    if told.journey.nodes.is_empty() && told.said.is_none() {
        let names = &told.names;
        let read = |text: &str| hunt::parse_journey(text, names).map_err(|error| format!("{error}; {}", error.help));
        let question =
            "Which services does the request meet, in their order? (gateway -> checkout -> email; empty: not known)";
        told.journey = ask(question, &mut input, &mut output, &read)?.unwrap_or_default();
    }
    if recording.is_none() {
        let read = |text: &str| of_file(Path::new(text)).map_err(|error| error.to_string());
        *recording = ask("A file with a recorded trace of it? (empty: none)", &mut input, &mut output, &read)?;
    }
    if told.sampling.approach == Approach::Unknown && args.sampling.is_none() {
        let read = |text: &str| Approach::from_str(text, true);
        let question = "How are traces chosen to be kept? (always, parent, ratio, tail, off; empty: not known)";
        if let Some(approach) = ask(question, &mut input, &mut output, &read)? {
            told.sampling = Sampling { approach, because: "as was said".to_owned() };
        }
    }
    for at in told.journey.nodes.clone() {
        let is_known = told.stacks.contains_key(&at) || map.nodes.get(at).is_some_and(|node| !node.stacks.is_empty());
        if is_known {
            continue;
        }
        let name = report::text::clean(told.names.of(at));
        let question = format!("What traces {name}? (a name, none for nothing; empty: not known)");
        let read = |text: &str| Ok(stack_named(text));
        if let Some(stack) = ask(&question, &mut input, &mut output, &read)? {
            told.stacks.insert(at, stack);
        }
    }
    Ok(())
}
