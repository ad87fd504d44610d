//! Polls for the program that a package runner executes.

use std::sync::Weak;
use std::time::{Duration, Instant};

use super::Process;
use super::shortcut::Following;

/// The polling interval; interpreters take longer than this to start a program.
const OFTEN: Duration = Duration::from_millis(4);
/// The polling interval of slow starts, most of which install a package.
const LESS_OFTEN: Duration = Duration::from_millis(15);
/// The time after which a start counts as slow.
const SOON: Duration = Duration::from_secs(5);
/// Polls for the program that the package runner of `process` executes, until the process has answered or exited.
pub(super) async fn follow(process: Weak<Process>) {
    let start = Instant::now();
    loop {
        match process.upgrade() {
            Some(process) if !process.start.is_settled() && !process.has_ended() => {
                process.start.following.iter().for_each(Following::poll);
            }
            _ => return,
        }
        tokio::time::sleep(if start.elapsed() < SOON { OFTEN } else { LESS_OFTEN }).await;
    }
}
