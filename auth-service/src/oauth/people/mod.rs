//! People: what the login providers say about them, and what the access policy makes of it.
//!
//! - `admission`: whether a person may log in and use servers
//! - `facts`: the facts about a person, cached until they change
//! - `arrival`: the facts of a login
//! - `check`: the same question to the provider again, at a refresh and on a schedule
//! - `leavers`: the end of what a person may no longer have
//! - `logout`: logout tokens of a provider

mod admission;
mod arrival;
mod check;
mod facts;
mod leavers;
mod logout;
mod schedule;

use std::sync::Arc;

use crate::oauth::Core;

/// The keeper of what is known about people, and of what they may have because of it.
#[derive(Clone)]
pub struct People {
    core: Arc<Core>,
}

impl People {
    pub(in crate::oauth) fn of(core: &Arc<Core>) -> Self {
        Self { core: Arc::clone(core) }
    }
}

/// The purpose that the key for tokens of login providers is bound to.
pub const SEAL: &str = "provider token";

pub(in crate::oauth) use self::{
    admission::Admission, arrival::Arrival, check::Checked, facts::Seen,
};
pub use self::{facts::FactsCache, logout::LogoutError};
