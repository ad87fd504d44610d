//! The key of a server instance: whose process it is, and how the process is opened.

use std::sync::Arc;

use gateway_contract::revision::Era;

use super::initialize::InitializeParams;
use crate::messages::translate::tasks;

/// The isolation key of a server process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A user, as named by the gateway.
    Principal(Arc<str>),
    /// A single session.
    Session(Arc<str>),
    /// Every client of the server.
    Everyone,
    /// Clients with neither user nor session: those of 2026-07-28 without a gateway.
    Anonymous,
}

/// The key of an instance of a server.
#[derive(Debug)]
pub struct InstanceKey {
    /// The isolation key of the process.
    pub owner: Owner,
    /// The user, if the owner has one.
    pub user: Option<Arc<str>>,
    /// The era of the clients.
    pub clients: Era,
    /// The parameters of `initialize`; `None` if the process is opened by `server/discover`.
    pub initialize: Option<InitializeParams>,
}

impl InstanceKey {
    /// Returns `true` if the process serves several users. Messages that do not clearly belong to one user
    /// are then dropped, and per-client state of the server is withheld: tasks, log levels, questions.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.owner == Owner::Everyone
    }

    /// Returns `true` if the method is unavailable where the process serves several users. Such methods concern
    /// per-client state of the server: tasks or a log level (2025-11-25 "Tasks", "Security").
    #[must_use]
    pub fn withholds(&self, method: &str) -> bool {
        self.is_shared() && (method.starts_with(tasks::METHODS) || method == "logging/setLevel")
    }

    /// Returns `true` if the process is opened by `server/discover`, as a server of 2026-07-28 is.
    #[must_use]
    pub fn is_discovered(&self) -> bool {
        self.initialize.is_none()
    }

    /// Returns the capabilities that the clients declare, as JSON text.
    #[must_use]
    pub fn declared(&self) -> &str {
        self.initialize.as_ref().map_or("{}", |initialize| &initialize.capabilities)
    }

    /// Returns `true` if a server cannot tell a process opened with this key from one opened with `other`.
    #[must_use]
    pub fn opens_like(&self, other: &Self) -> bool {
        match (&self.initialize, &other.initialize) {
            (Some(one), Some(other)) => one.is_like(other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}
