//! hoplint: find where a distributed trace breaks, without running anything.

pub mod finding;
pub mod ir;
pub mod knowledge;
pub mod link;
pub mod lower;
pub mod parse;
pub mod services;
pub mod walk;
