//! Waits for effects that follow an answer, such as the lines that each program's log thread writes.

use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `holds`, and panics with `what` after 20 seconds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "did not happen in {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
