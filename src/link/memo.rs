//! Answers about a program's values, kept by file and expression: asked for millions of times, so found without hashing.

use super::program::ValueRef;
use std::cell::{Cell, OnceCell, RefCell};

/// One file's part of the table.
#[derive(Debug)]
struct Slots {
    /// The number of the file's expressions.
    size: usize,
    /// For each expression the answer's number from 1; 0: none yet.
    numbers: OnceCell<Box<[Cell<u32>]>>,
}

/// A table from values to answers. A file of which nothing was asked takes no room.
#[derive(Debug)]
pub(super) struct Memo<T> {
    files: Vec<Slots>,
    answers: RefCell<Vec<T>>,
}

impl<T: Clone> Memo<T> {
    /// An empty table. `sizes` gives for each file the number of its expressions, `common` the answer that most have.
    pub(super) fn new(sizes: impl Iterator<Item = usize>, common: T) -> Self {
        Self {
            files: sizes.map(|size| Slots { size, numbers: OnceCell::new() }).collect(),
            answers: RefCell::new(vec![common]),
        }
    }

    /// The answer for a value, if there is one.
    pub(super) fn get(&self, value: ValueRef) -> Option<T> {
        let at = self.slot(value)?.get().checked_sub(1)?;
        self.answers.borrow().get(at as usize).cloned()
    }

    /// Gives a value the common answer.
    pub(super) fn set_common(&self, value: ValueRef) {
        self.point(value, 1);
    }

    /// Gives a value an answer of its own.
    pub(super) fn set(&self, value: ValueRef, answer: T) -> u32 {
        let mut answers = self.answers.borrow_mut();
        answers.push(answer);
        let number = u32::try_from(answers.len()).unwrap_or(0);
        self.point(value, number);
        number
    }

    /// Gives a value the answer with this number, as [`Memo::set`] handed it out.
    pub(super) fn point(&self, value: ValueRef, number: u32) {
        if let Some(slot) = self.slot(value) {
            slot.set(number);
        }
    }

    /// Forgets all answers but the common one.
    pub(super) fn clear(&mut self) {
        for file in &mut self.files {
            file.numbers.take();
        }
        self.answers.borrow_mut().truncate(1);
    }

    fn slot(&self, value: ValueRef) -> Option<&Cell<u32>> {
        let file = self.files.get(value.file as usize)?;
        file.numbers.get_or_init(|| vec![Cell::new(0); file.size].into()).get(value.expr.0 as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::ExprId;

    #[test]
    fn answers_are_found_by_file_and_expression() {
        let mut memo = Memo::new([2, 3].into_iter(), None);
        let value = |file, expr| ValueRef { file, expr: ExprId(expr) };
        assert_eq!(memo.get(value(1, 2)), None);
        let number = memo.set(value(1, 2), Some("client"));
        memo.set_common(value(0, 0));
        memo.point(value(0, 1), number);
        assert_eq!(memo.get(value(1, 2)), Some(Some("client")));
        assert_eq!(memo.get(value(0, 0)), Some(None));
        assert_eq!(memo.get(value(0, 1)), Some(Some("client")));
        assert_eq!(memo.get(value(1, 0)), None);
        // A value that the program does not have is never known.
        memo.set(value(7, 0), Some("server"));
        assert_eq!(memo.get(value(7, 0)), None);
        memo.clear();
        assert_eq!(memo.get(value(1, 2)), None);
    }
}
