//! Folders that hold others' code or build output.
//!
//! Words such as `vendor`, `target`, `build` and `dist` are package names in ordinary services too, so these folders
//! are left out only with a sign of the tool that makes them.

use std::path::Path;

/// Left out wherever they stand.
const ALWAYS: [&str; 7] =
    ["node_modules", "third_party", "third-party", "site-packages", "__pycache__", "testdata", "bower_components"];

/// Left out when one of these stands beside or in the folder.
const WITH_SIGN: [(&str, &[&str], &[&str]); 5] = [
    ("vendor", &["go.mod", "go.work", "composer.json", "Gemfile", "package.json"], &["modules.txt", "github.com"]),
    ("target", &["pom.xml", "Cargo.toml", "build.sbt"], &["classes", "CACHEDIR.TAG"]),
    ("build", &["build.gradle", "build.gradle.kts", "pom.xml", "setup.py"], &["classes", "generated"]),
    ("dist", &["package.json", "setup.py", "pyproject.toml"], &[]),
    ("out", &["build.gradle", "build.gradle.kts", "pom.xml"], &["production"]),
];

/// Whether this folder holds vendored code, a virtual environment, or build output.
pub(super) fn is_vendored(folder: &Path) -> bool {
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { return false };
    if ALWAYS.contains(&name) || name.ends_with(".egg-info") {
        return true;
    }
    if name == "venv" || name == "env" || name == "virtualenv" {
        return folder.join("pyvenv.cfg").exists() || folder.join("bin").join("activate").exists();
    }
    WITH_SIGN.iter().any(|(word, beside, inside)| {
        *word == name
            && (inside.iter().any(|sign| folder.join(sign).exists())
                || beside.iter().any(|sign| folder.with_file_name(sign).exists()))
    })
}
