//! A stdio server that misbehaves on request.
fn main() {}
