//! Random messages through every translation between the eras: no panic, no broken JSON, and what a
//! translation does not name is unchanged byte for byte.
//!
//! usage: fuzz [EXECUTIONS [SEED]]      10,000,000 and 1
//!
//! A failure names the message, and the seed of its thousand: `fuzz 1000 SEED` brings it back.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "a program for the developer: it stops at what it does not expect, and prints"
)]

#[path = "../../tests/it/fold.rs"]
mod fold;
mod properties;
mod random;
mod tasks;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// Executions with one seed.
const RUN: u64 = 1000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse().expect("a number"));
    let (executions, seed) =
        (arguments.next().unwrap_or(10_000_000), arguments.next().unwrap_or(1));
    let (start, next) = (Instant::now(), AtomicU64::new(0));
    let failed = AtomicU64::new(0);
    let lanes = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                while next.load(Ordering::Relaxed) * RUN < executions {
                    let seed = seed + next.fetch_add(1, Ordering::Relaxed);
                    let run = std::panic::catch_unwind(|| {
                        let mut random = random::Random::new(seed);
                        (0..RUN).for_each(|_| properties::check(&mut random));
                    });
                    if run.is_err() {
                        println!("failed in the run of seed {seed}");
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (runs, failed) = (next.into_inner(), failed.into_inner());
    let seconds = start.elapsed().as_secs_f64();
    println!("{} executions from seed {seed} in {seconds:.0} s, {failed} runs failed", runs * RUN);
    ExitCode::from(u8::from(failed > 0))
}
