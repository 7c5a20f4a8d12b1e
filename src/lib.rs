//! hoplint: find where a distributed trace breaks, without running anything.

pub mod ir;
pub mod lower;
