//! The `residuum` command.
fn main() {}
