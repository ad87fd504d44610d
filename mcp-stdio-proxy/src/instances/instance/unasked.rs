//! A question of a legacy server before any client request can carry it.

use std::time::Instant;

use crate::messages::translate::input::Question;

/// A question that waits for a client request.
pub(super) struct Unasked {
    pub(super) question: Question,
    pub(super) pid: u32,
    pub(super) since: Instant,
}
