//! How much of a file is looked at.

use std::time::Duration;

/// What one file may cost. A file beyond a limit is left out and reported with the limit that it met.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest file in bytes.
    pub max_file_size: u64,
    /// Longest line in bytes; longer ones stand in minified and generated files.
    pub max_line: usize,
    /// Deepest nesting of brackets of any kind.
    pub max_brackets: usize,
    /// Most lines in a row that hold nothing but a backslash; the Python grammar is quadratic in them.
    pub max_continuations: usize,
    /// Most `<` open at once in a Java statement; the Java grammar is quadratic in them, out of reach of `parse_time`.
    pub max_angles: usize,
    /// Longest processor time for one parse. Only broken input comes near it: ordinary code takes 0.1 ms a KiB.
    pub parse_time: Duration,
    /// Whether generated files larger than `generated_size` are left out, counted and not listed.
    pub skip_generated: bool,
    /// Size in bytes up to which generated files are read all the same.
    pub generated_size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_size: 2 * 1024 * 1024,
            max_line: 64 * 1024,
            max_brackets: 3000,
            max_continuations: 500,
            max_angles: 500,
            parse_time: Duration::from_millis(1500),
            skip_generated: true,
            generated_size: 256 * 1024,
        }
    }
}
