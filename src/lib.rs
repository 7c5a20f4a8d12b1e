//! hoplint: find where a distributed trace breaks, without running anything.

pub mod analysis;
mod aside;
pub mod audit;
pub mod cli;
pub mod config;
pub mod deploy;
pub mod engine;
pub mod facts;
pub mod finding;
pub mod hcl;
pub mod hunt;
pub mod ir;
pub mod knowledge;
pub mod link;
pub mod lower;
pub mod map;
pub mod parse;
pub mod paths;
pub mod plan;
pub mod report;
pub mod rulepage;
pub mod rules;
pub mod services;
pub mod study;
pub mod trace;
pub mod walk;
pub mod yaml;
