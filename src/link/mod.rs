//! Link: from names to what they mean, over all files of one language.

mod along;
mod callee;
mod collected;
mod decorated;
mod defaults;
pub mod flow;
mod handed;
mod hierarchy;
mod homes;
mod imports;
mod index;
mod likeness;
mod memo;
mod names;
mod object;
mod program;
mod shapes;
mod trace;
mod types;

pub use along::Calls;
pub use callee::Callee;
pub use homes::{owner_of, plain};
pub use program::{DescribedCall, FileUnit, FuncRef, Owner, Program, SourceFile, TypeIndex, ValueRef};
pub use trace::{MAX_ARGUMENTS, MAX_ORIGINS, Origin, Step};
