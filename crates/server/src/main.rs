//! The `keywatch` program: a table of contents of its commands.

fn main() {}
