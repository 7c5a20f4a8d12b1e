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
    /// Most work for one parse, in steps of the parser. Unlike time this cuts at the same place in every run.
    pub max_parse_steps: u64,
    /// Longest time for one parse, a last resort on a machine far slower than the steps assume.
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
            max_parse_steps: 10_000_000,
            parse_time: Duration::from_millis(1500),
            skip_generated: true,
            generated_size: 256 * 1024,
        }
    }
}
