//! The drivers start, and stop at what they cannot do. Their tests make cargo build them.

use std::process::{Command, Stdio};

/// What `program` says on stderr when it fails without a command.
fn refusal(program: &str) -> String {
    let done = Command::new(program).stdin(Stdio::null()).output().expect("it starts");
    assert!(!done.status.success(), "{done:?}");
    String::from_utf8(done.stderr).expect("text")
}

#[test]
fn the_direct_client_wants_a_mode() {
    assert!(refusal(env!("CARGO_BIN_EXE_direct")).contains("no mode"));
}

#[test]
fn the_driver_ends_with_its_input() {
    let driver = Command::new(env!("CARGO_BIN_EXE_rmcp-driver")).stdin(Stdio::null()).status();
    assert!(driver.expect("it starts").success());
}
