//! Turns the descriptions under `rules/` into one JSON text for each folder: reading TOML at each start would cost more
//! than the analysis of a small service.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

const FOLDERS: [(&str, &str); 4] = [
    ("rules/libraries/go", "libraries-go.json"),
    ("rules/libraries/python", "libraries-python.json"),
    ("rules/libraries/java", "libraries-java.json"),
    ("rules/stacks", "stacks.json"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for (folder, name) in FOLDERS {
        println!("cargo::rerun-if-changed={folder}");
        fs::write(out.join(name), serde_json::to_string(&pages(Path::new(folder))?)?)?;
    }
    Ok(())
}

/// The pages of a folder with their file names, sorted by these.
fn pages(folder: &Path) -> Result<Vec<(String, toml::Table)>, Box<dyn Error>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            let page = fs::read_to_string(&path)?.parse().map_err(|error| format!("{}: {error}", path.display()))?;
            out.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), page));
        }
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(out)
}
