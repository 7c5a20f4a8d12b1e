//! From path arguments to trees.

use super::args::TreeArgs;
use super::error::CliError;
use crate::report::Target;
use crate::report::change::{ChangeSet, Lines};
use crate::rulepage;
use std::path::{Path, PathBuf};

/// The trees to analyse, and the files to which findings are limited.
pub struct Targets {
    /// Each tree once.
    pub trees: Vec<Tree>,
}

/// One tree.
pub struct Tree {
    /// Where it is.
    pub target: Target,
    /// Findings are wanted for these files only; `None` for all.
    pub files: Option<Vec<PathBuf>>,
}

impl Tree {
    /// The files as a set of changes.
    pub fn file_filter(&self) -> Option<ChangeSet> {
        let mut set = ChangeSet::default();
        for file in self.files.as_ref()? {
            set.insert(file.clone(), Lines::All);
        }
        Some(set)
    }
}

/// Resolves the path arguments; none means the working directory.
pub fn resolve(args: &TreeArgs) -> Result<Targets, CliError> {
    let cwd = std::env::current_dir().and_then(|cwd| cwd.canonicalize()).map_err(CliError::io("working directory"))?;
    let here = [PathBuf::from(".")];
    let given = if args.paths.is_empty() { &here[..] } else { &args.paths };
    let mut trees: Vec<Tree> = Vec::new();
    for path in given {
        let full = path.canonicalize().map_err(|error| missing(path, error))?;
        let folder = full.is_dir();
        let root = if folder { full.clone() } else { root_of(&full, &cwd) };
        let at = trees.iter().position(|tree| tree.target.root == root);
        let tree = match at.and_then(|at| trees.get_mut(at)) {
            Some(tree) => tree,
            None => {
                let repository = repository(&root).unwrap_or_else(|| root.clone());
                let target = Target { root, cwd: cwd.clone(), repository };
                trees.push(Tree { target, files: Some(Vec::new()) });
                let last = trees.len() - 1;
                &mut trees[last]
            }
        };
        match &mut tree.files {
            _ if folder => tree.files = None,
            Some(files) => files.push(full),
            None => {}
        }
    }
    Ok(Targets { trees })
}

/// The tree that a file argument belongs to: its repository, else the working directory, else its folder.
fn root_of(file: &Path, cwd: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(cwd);
    repository(folder).unwrap_or_else(|| if file.starts_with(cwd) { cwd.to_path_buf() } else { folder.to_path_buf() })
}

/// The nearest folder with `.git`.
fn repository(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_path_buf)
}

fn missing(path: &Path, error: std::io::Error) -> CliError {
    if error.kind() != std::io::ErrorKind::NotFound {
        return CliError::Io { what: path.display().to_string(), source: error };
    }
    let commands = ["check", "map", "audit", "hunt", "plan", "explain", "rules", "completions", "config-schema"];
    let word = path.to_str().unwrap_or_default();
    let help =
        rulepage::closest(word, commands.into_iter()).map(|command| format!("did you mean `hoplint {command}`?"));
    CliError::MissingPath { path: path.to_path_buf(), help }
}
