//! The `hoplint` command.
fn main() {}
