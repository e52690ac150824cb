//! Keywatch (see ARCHITECTURE.md).
fn main() {}
