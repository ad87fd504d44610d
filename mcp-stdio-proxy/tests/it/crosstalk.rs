//! Two users and both eras of clients at one server at once, with random calls: each gets its own
//! and nothing of another. `CROSSTALK_MESSAGES` says how many messages are exchanged at least.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::{Modern, Proxy, call, text};

const USERS: [&str; 2] = ["alice", "bob"];
/// Clients of each user and era.
const LANES: usize = 3;

/// A sequence of numbers that is the same in each run of a lane.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's MMIX constants.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Some call, and how many messages it is.
fn some(dice: &mut Dice, mark: &str, round: u64) -> (Value, usize) {
    let said = format!("{mark} {round}");
    match dice.roll(3) {
        0 => (
            json!({"name": "progress", "arguments": {"say": said}, "_meta": {"progressToken": 1}}),
            5,
        ),
        1 => (json!({"name": "sleep", "arguments": {"ms": dice.roll(3), "say": said}}), 2),
        _ => (json!({"name": "params", "arguments": {"say": said}}), 2),
    }
}

/// What came back is all of one's own.
fn assert_own(mark: &str, before: &[Value], answer: &Value) {
    assert!(text(answer).contains(mark), "{mark}: {answer}");
    for one in before {
        let said = one["params"]["message"].as_str().unwrap_or_else(|| panic!("{mark}: {one}"));
        assert!(said.starts_with(mark), "{mark}: {one}");
        assert_eq!(one["params"]["progressToken"], 1, "{one}");
    }
}

fn drive(mode: &str, messages: usize) {
    let proxy = Proxy::of_era(mode, &[]);
    let exchanged = AtomicUsize::new(0);
    let busy = || exchanged.load(Ordering::Relaxed) < messages;
    thread::scope(|scope| {
        for user in USERS {
            for lane in 0..LANES {
                let (proxy, exchanged) = (&proxy, &exchanged);
                scope.spawn(move || {
                    let mark = format!("{user} modern {lane}:");
                    let client = Modern { user: Some(user), ..proxy.modern(json!({})) };
                    let mut dice = Dice(lane as u64);
                    for round in 0.. {
                        let (params, count) = some(&mut dice, &mark, round);
                        // Each client counts from one, as clients do.
                        let body = client.request(round, "tools/call", &params);
                        let (before, answer) = client.send(&body, &[]).answer();
                        assert_eq!(answer["id"], round);
                        assert_own(&mark, &before, &answer);
                        exchanged.fetch_add(count, Ordering::Relaxed);
                        if !busy() {
                            return;
                        }
                    }
                });
                scope.spawn(move || {
                    let mark = format!("{user} legacy {lane}:");
                    let session =
                        proxy.session_of(&[("X-User-Id", user)], "2025-11-25", &json!({}));
                    let mut dice = Dice(lane as u64 + 99);
                    for round in 0.. {
                        let (params, count) = some(&mut dice, &mark, round);
                        let mut body = call(round, "", &json!({}));
                        body["params"] = params;
                        let (before, answer) = session.post(&body).answer();
                        assert_eq!(answer["id"], round);
                        assert_own(&mark, &before, &answer);
                        exchanged.fetch_add(count, Ordering::Relaxed);
                        if !busy() {
                            return;
                        }
                    }
                });
            }
        }
    });
    assert!(!busy());
}

#[test]
fn two_users_and_both_eras_get_each_its_own() {
    let messages = std::env::var_os("CROSSTALK_MESSAGES");
    let messages = messages.map_or(4000, |text| text.to_str().unwrap().parse().unwrap());
    for mode in ["--dual", "--legacy"] {
        drive(mode, messages / 2);
    }
}
