//! What changed since a commit, asked of git in a way that runs nothing from the repository.

use super::error::CliError;
use crate::report::change::{ChangeSet, Lines};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The changed lines since `reference` branched off, with uncommitted changes and untracked files.
pub fn changes(root: &Path, reference: &str) -> Result<ChangeSet, CliError> {
    if reference.starts_with('-') || reference.is_empty() {
        return Err(CliError::Usage(format!("--since: `{reference}` is no commit or branch"), None));
    }
    let top = text(root, &["rev-parse", "--show-toplevel"])?;
    let top = PathBuf::from(top.trim_end_matches(['\n', '\r']));
    let top = top.canonicalize().map_err(CliError::io("the repository's root"))?;
    let base = merge_base(&top, reference)?;
    let mut set = ChangeSet::default();
    let names = git(&top, &[&["diff", "--name-only", "-z"], DIFF, &[&base, "--"]].concat())?;
    let patch = git(&top, &[&["diff", "--unified=0", "--no-color"], DIFF, &[&base, "--"]].concat())?;
    let names = split(&names);
    let hunks = hunks(&String::from_utf8_lossy(&patch));
    for (index, name) in names.iter().enumerate() {
        // One section a file, in the same order; should that ever not hold, a whole file is the safe answer.
        let lines = if hunks.len() == names.len() { hunks.get(index).cloned() } else { None };
        set.insert(top.join(name), lines.map_or(Lines::All, Lines::Hunks));
    }
    for name in split(&git(&top, &["ls-files", "--others", "--exclude-standard", "-z", "--"])?) {
        set.insert(top.join(name), Lines::All);
    }
    Ok(set)
}

/// Options that keep external programs and renames out of a diff.
const DIFF: &[&str] = &["--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=all"];

fn merge_base(top: &Path, reference: &str) -> Result<String, CliError> {
    let commit = format!("{reference}^{{commit}}");
    let known = text(top, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
    let base = known.and_then(|commit| text(top, &["merge-base", commit.trim(), "HEAD"]));
    base.map(|base| base.trim().to_owned()).map_err(|_| {
        let help = "fetch it first; in GitHub Actions give actions/checkout `fetch-depth: 0`";
        let message = format!("--since: `{reference}` is not known here, or shares no history with HEAD");
        CliError::Usage(message, Some(help.to_owned()))
    })
}

fn text(folder: &Path, args: &[&str]) -> Result<String, CliError> {
    git(folder, args).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn git(folder: &Path, args: &[&str]) -> Result<Vec<u8>, CliError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["--no-pager", "-c", "core.fsmonitor=false", "-c", "diff.external="]);
    command.args(["-c", "core.hooksPath=/dev/null", "-c", "diff.noprefix=false"]);
    let output = command.args(args).stdin(std::process::Stdio::null()).output();
    let output = output.map_err(|error| CliError::Usage(format!("--since needs git: {error}"), None))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(CliError::Usage(format!("--since: git says: {}", message.lines().next().unwrap_or_default()), None))
}

fn split(bytes: &[u8]) -> Vec<PathBuf> {
    bytes.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(path).collect()
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// The changed lines of each file of a patch without context.
fn hunks(patch: &str) -> Vec<Vec<(u32, u32)>> {
    let mut files: Vec<Vec<(u32, u32)>> = Vec::new();
    for line in patch.lines() {
        if line.starts_with("diff --git ") {
            files.push(Vec::new());
        } else if let (Some(hunk), Some(file)) = (line.strip_prefix("@@ -").and_then(hunk), files.last_mut()) {
            file.push(hunk);
        }
    }
    files
}

/// First and last line after the change; where lines only went away, those around the gap.
fn hunk(header: &str) -> Option<(u32, u32)> {
    let new = header.split_once(" +")?.1.split_once(" @@")?.0;
    let (start, count) = match new.split_once(',') {
        Some((start, count)) => (start.parse::<u32>().ok()?, count.parse::<u32>().ok()?),
        None => (new.parse().ok()?, 1),
    };
    Some(if count == 0 { (start, start + 1) } else { (start, start + count - 1) })
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_hunks() {
        let patch = "diff --git a/x b/x\n@@ -1 +1 @@ f\n-@@ -9 +9 @@\n+y\n@@ -4,2 +3,0 @@\ndiff --git a/z b/z\n@@ -0,0 +1,3 @@\n";
        assert_eq!(super::hunks(patch), [vec![(1, 1), (3, 4)], vec![(1, 3)]]);
    }
}
