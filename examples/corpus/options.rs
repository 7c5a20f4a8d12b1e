//! What is asked of the program.

use super::{Outcome, Verdict};
use std::fs;
use std::path::PathBuf;

/// What is asked of the program.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// Where repositories are kept.
    pub cache: PathBuf,
    /// The program that findings are compared with.
    pub before: Option<String>,
    /// The program that is looked at.
    pub after: String,
    /// Where repositories come from, with `{owner}` and `{name}`.
    pub from: String,
    /// The verdict on what has none.
    pub record: Option<Verdict>,
    /// Maps are compared.
    pub maps: bool,
    /// Breaks are planted.
    pub plant: bool,
    /// Parts of the names that are meant; none for all.
    pub only: Vec<String>,
}

/// Reads the command line.
pub(super) fn read(mut arguments: impl Iterator<Item = String>) -> Outcome<Options> {
    let mut out = Options { from: "https://github.com/{owner}/{name}".to_owned(), ..Options::default() };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--cache" => out.cache = value()?.into(),
            "--before" => out.before = Some(program(&value()?)?),
            "--after" => out.after = program(&value()?)?,
            "--from" => out.from = value()?,
            "--maps" => out.maps = true,
            "--plant" => out.plant = true,
            "--record" => {
                out.record = Some(match value()?.as_str() {
                    "right" => Verdict::Right,
                    "wrong" => Verdict::Wrong,
                    "doubtful" => Verdict::Doubtful,
                    other => return Err(format!("--record: `{other}` is none of right, wrong, doubtful").into()),
                });
            }
            option if option.starts_with('-') => return Err(format!("unknown option {option}").into()),
            name => out.only.push(name.to_owned()),
        }
    }
    if out.cache.as_os_str().is_empty() || out.after.is_empty() {
        return Err("--cache FOLDER and --after PROGRAM are needed".into());
    }
    if out.record.is_some() && out.only.is_empty() {
        return Err("--record is about named repositories: name those whose findings you have read".into());
    }
    Ok(out)
}

/// The program's full path, as it is started in other folders.
fn program(path: &str) -> Outcome<String> {
    let full = fs::canonicalize(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(full.to_string_lossy().into_owned())
}
