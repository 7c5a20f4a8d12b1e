//! A name for a finding that survives re-indenting and moving.

use super::Diagnostic;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// The fingerprint's start: rule, path in the repository, and the text of each place without white space.
pub fn base(rule: &str, path: &str, lines: &[&str]) -> String {
    let mut text = format!("{rule}\0{path}");
    for line in lines {
        text.push('\0');
        text.extend(line.chars().filter(|char| !char.is_whitespace()));
    }
    text
}

/// Turns bases into fingerprints; the second of the same base gets another one. Expects sorted diagnostics.
pub fn finish(diagnostics: &mut [Diagnostic]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for diagnostic in diagnostics {
        let times = seen.entry(diagnostic.fingerprint.clone()).or_default();
        let text = format!("{}\0{times}", diagnostic.fingerprint);
        *times += 1;
        let hash = Sha256::digest(text.as_bytes());
        diagnostic.fingerprint = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    }
}
