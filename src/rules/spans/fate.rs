//! What becomes of a value that somebody must finish.

use crate::knowledge::{FunctionDescription, Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::study::Summary;

/// What finishes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// Ending a span.
    End,
    /// Closing a scope or detaching a token.
    Close,
}

impl Finish {
    /// What a library call finishes.
    pub(super) fn slot(self, effect: &FunctionDescription) -> Option<Slot> {
        match self {
            Self::End => effect.ends,
            Self::Close => effect.closes,
        }
    }

    /// The bit by which a summary tells of it.
    pub(super) fn bit(self) -> Summary {
        match self {
            Self::End => Summary::ENDS,
            Self::Close => Summary::CLOSES,
        }
    }

    /// The role of what it finishes.
    pub(super) fn role(self) -> TypeRole {
        match self {
            Self::End => TypeRole::Span,
            Self::Close => TypeRole::Scope,
        }
    }
}

/// How a function hands a value back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Returned {
    /// The function.
    pub function: FuncRef,
    /// As which result.
    pub index: u8,
    /// It is inside one of the service's own objects.
    pub wrapped: bool,
}

/// What becomes of a value.
#[derive(Debug, Default)]
pub(super) struct Fate {
    /// Some use finishes it, or may.
    pub finished: bool,
    /// It goes where it can't be followed.
    pub escapes: bool,
    /// Its own statement or the blank name takes it.
    pub dropped: bool,
    /// It is made current.
    pub activated: bool,
    /// It is put into a context, or handed to another function.
    pub handed: bool,
    /// The functions that return it, or one of the service's own objects around it.
    pub returned: Vec<Returned>,
    /// The functions that return the context with it, and as which result.
    pub contexts: Vec<(FuncRef, u8)>,
    /// The calls that finish it.
    pub finishes: Vec<ValueRef>,
    /// It is managed by a `with` or `try (…)`.
    pub entered: Option<ValueRef>,
    /// A generator hands it to whoever asks for its values.
    pub yielded: bool,
    /// A context with it is handed back.
    pub context_returned: bool,
}

impl Fate {
    /// Nobody finishes it, as far as all of the code shows.
    pub(super) fn is_never_finished(&self) -> bool {
        !self.finished && self.is_kept()
    }

    /// It stays where it was seen.
    pub(super) fn is_kept(&self) -> bool {
        !self.escapes && !self.yielded && self.returned.is_empty() && !self.context_returned
    }
}
