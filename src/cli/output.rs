//! Standard output: colour by the usual variables, and a reader that goes away is no error.

use super::args::Color;
use super::error::CliError;
use anstream::{AutoStream, ColorChoice};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

/// Whether to colour what goes to a stream.
pub fn use_color(color: Color, is_terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
        Color::Auto if set("FORCE_COLOR") || set("CLICOLOR_FORCE") => true,
        Color::Auto => is_terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// Whether standard output gets colours.
pub fn stdout_color(color: Color) -> bool {
    use_color(color, io::stdout().is_terminal())
}

/// Writes to a file, or to standard output.
pub fn write(
    file: Option<&Path>,
    color: bool,
    body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), CliError> {
    if let Some(path) = file {
        let what = path.display().to_string();
        let mut out = BufWriter::new(std::fs::File::create(path).map_err(CliError::io(what.clone()))?);
        return body(&mut out).and_then(|()| out.flush()).map_err(CliError::io(what));
    }
    let choice = if color { ColorChoice::Always } else { ColorChoice::Never };
    let mut out = BufWriter::new(AutoStream::new(io::stdout().lock(), choice));
    match body(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            // What is left in the buffer would be tried again on drop.
            let _ = out.into_parts();
            Ok(())
        }
        result => result.map_err(CliError::io("standard output")),
    }
}
