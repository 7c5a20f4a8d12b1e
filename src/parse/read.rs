//! From a path to text, or to the reason why there is none.

use super::Limits;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// Reads a source file as UTF-8 text with all its bytes, so that offsets in it are offsets in the file.
///
/// A UTF-8 byte order mark stays in the text; the grammars pass over it. The error is the reason for people.
pub fn read_source(path: &Path, limits: &Limits) -> Result<String, String> {
    let bytes = read_bytes(path, limits.max_file_size)?;
    check_encoding(&bytes)?;
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        format!("not UTF-8 (first at byte {offset})")
    })
}

/// Reads at most `limit` bytes of a regular file. Links, pipes and devices are refused before they are opened.
fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {}", error.kind());
    let metadata = fs::symlink_metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("not a regular file".to_owned());
    }
    check_size(metadata.len(), limit)?;
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    check_size(bytes.len() as u64, limit)?;
    Ok(bytes)
}

fn check_size(size: u64, limit: u64) -> Result<(), String> {
    if size > limit {
        return Err(format!("too large: {} KiB, the limit is {} KiB", size.div_ceil(1024), limit / 1024));
    }
    Ok(())
}

/// Names encodings that are no UTF-8, and binary files by their NUL bytes, which no language here allows.
///
/// The whole file is looked at: the Python scanner's comments end at a NUL, and its guard relies on there being none.
fn check_encoding(bytes: &[u8]) -> Result<(), String> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err("encoded as UTF-16".to_owned());
    }
    match memchr::memchr(0, bytes) {
        Some(offset) => Err(format!("binary (NUL at byte {offset})")),
        None => Ok(()),
    }
}
