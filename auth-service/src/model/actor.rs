//! The one who acts, for audit events.

use super::{Caller, User};

/// The one who acts, for audit events.
#[derive(Clone, Debug)]
pub enum Actor {
    /// A person, or a program that acts for nobody known, by a request.
    Request(Option<User>, Caller),
    /// An operator at the command line, as `operator:UID@HOST`.
    Operator(String),
    /// This program itself.
    Gateway,
}
