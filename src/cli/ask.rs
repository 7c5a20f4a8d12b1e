//! Questions on a terminal. Each has an option that answers it, so nothing is ever asked elsewhere.

use super::error::CliError;
use crate::report::text::clean;
use std::io::{self, BufRead, IsTerminal, Write};

/// How often one question is asked before it is left open.
const MAX_TRIES: usize = 3;
/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 4096;

/// Whether somebody is there to answer.
pub(super) fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks until an answer is understood; `None` where the answer is empty, or never understood.
pub(super) fn ask<T>(
    question: &str,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    read: &dyn Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, CliError> {
    for _ in 0..MAX_TRIES {
        write!(output, "{question}\n> ").and_then(|()| output.flush()).map_err(CliError::io("standard error"))?;
        let mut answer = String::new();
        io::Read::take(&mut *input, MAX_ANSWER).read_line(&mut answer).map_err(CliError::io("standard input"))?;
        let answer = answer.trim();
        if answer.is_empty() {
            return Ok(None);
        }
        match read(answer) {
            Ok(found) => return Ok(Some(found)),
            Err(why) => writeln!(output, "  {}", clean(&why)).map_err(CliError::io("standard error"))?,
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::ask;

    fn asked(typed: &str) -> (Option<u32>, String) {
        let mut output = Vec::new();
        let read = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number"));
        let found = ask("How many?", &mut typed.as_bytes(), &mut output, &read).unwrap();
        (found, String::from_utf8(output).unwrap())
    }

    #[test]
    fn answers_are_asked_for_again_until_they_are_understood() {
        assert_eq!(
            asked("x\u{1b}\n7\n"),
            (Some(7), "How many?\n> \u{20}\u{20}`x\u{FFFD}` is no number\nHow many?\n> ".to_owned())
        );
        assert_eq!(asked("\n7\n").0, None);
        assert_eq!(asked("").0, None);
        assert_eq!(asked("a\nb\nc\n7\n").0, None);
    }
}
