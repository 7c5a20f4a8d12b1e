//! Link: from names to what they mean, over all files of one language.

mod decorated;
pub mod flow;
mod homes;
mod imports;
mod memo;
mod program;
mod resolve;
mod trace;

pub use homes::plain;
pub use program::{DescribedCall, FileUnit, FuncRef, Owner, Program, SourceFile, TypeIndex, ValueRef};
pub use resolve::Callee;
pub use trace::{MAX_ARGUMENTS, MAX_ORIGINS, Origin, Step};
