//! A source as miette reads it.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// A named text whose stretches know how many lines they have.
///
/// miette draws labels in one snippet when the stretches around them touch. Its own texts (7.6) count the lines of a
/// stretch from the start of the file, so that two labels on lines 80 and 150 seem to touch, and everything between
/// them would be drawn.
#[derive(Debug)]
pub(super) struct Excerpt {
    name: String,
    text: String,
}

impl Excerpt {
    /// A text and what is shown as its path, both safe for a terminal.
    pub(super) fn new(name: String, text: String) -> Excerpt {
        Excerpt { name, text }
    }

    /// The whole text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let found = self.text.read_span(span, before, after)?;
        let lines = found.data().iter().filter(|byte| **byte == b'\n').count();
        let (line, column) = (found.line(), found.column());
        let contents =
            MietteSpanContents::new_named(self.name.clone(), found.data(), *found.span(), line, column, lines);
        Ok(Box::new(contents))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_counts_its_own_lines() {
        let source = Excerpt::new("a".to_owned(), "x\n".repeat(100));
        let found = source.read_span(&(100, 1).into(), 1, 1).expect("a place in the text");
        assert_eq!((found.line(), found.line_count()), (49, 3));
    }
}
