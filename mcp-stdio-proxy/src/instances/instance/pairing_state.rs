//! The state that an instance keeps for the pairing of the eras of its clients and its server.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::ask::Ask;
use super::known_tools::Known;
use super::root_requests::Roots;
use super::round::Rounds;
use super::subscriptions::Watching;
use super::unasked::Unasked;
use crate::messages::translate::input::Question;

/// The state of legacy clients at a legacy server: the requests of the server to them.
#[derive(Default)]
pub(super) struct SameEra {
    /// Pending requests of the server to its clients, by our id.
    pub(super) asks: Mutex<HashMap<u64, Ask>>,
    /// Notified when a client has answered one of `asks`.
    pub(super) heard_back: Notify,
    /// The requests of the server for roots.
    pub(super) roots: Roots,
    /// The time at which the server last received the roots of a client.
    pub(super) told_roots: Mutex<Option<Instant>>,
}

/// The state of modern clients at a legacy server.
#[derive(Default)]
pub(super) struct ModernToLegacy {
    /// Questions of the server that are being collected for one `InputRequiredResult`, by process and call.
    pub(super) gathered: Mutex<HashMap<(u32, u64), Vec<Question>>>,
    /// Questions of the server that no client request could carry yet.
    pub(super) unasked: Mutex<Vec<Unasked>>,
    /// Cached tool parameters that are repeated in headers.
    pub(super) known: Mutex<Option<Known>>,
    /// The process that received a log level, and the level.
    pub(super) level: Mutex<Option<(u32, usize)>>,
}

/// The state of legacy clients at a modern server.
#[derive(Default)]
pub(super) struct LegacyToModern {
    /// `true` if the clients have a handshake and the process has none.
    pub(super) upgraded: AtomicBool,
    /// The `_meta` of each request to a process without a handshake, built from the clients' `initialize`.
    pub(super) envelope: OnceLock<String>,
    /// Upstream subscriptions at a process without a handshake.
    pub(super) watching: Watching,
    /// Input rounds of a process without a handshake.
    pub(super) rounds: Rounds,
}
