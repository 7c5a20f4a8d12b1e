//! From findings to the user: places become lines and columns, then one of several formats.

pub mod audit;
pub mod change;
pub mod concise;
pub mod diagnostic;
mod excerpt;
mod fingerprint;
pub mod finish;
pub mod full;
pub mod github;
pub mod hunt;
pub mod json;
pub mod map;
pub mod sarif;
pub mod source;
mod suppress;
pub mod text;
pub mod why;

pub use diagnostic::{Diagnostic, Range, RelatedPlace, Summary};
pub use finish::{Options, Report, Target};
