//! Bridges between clients and server processes: one implementation for each pairing of protocol eras, chosen when
//! the handshake has told the era of the server. Suspended calls are kept per server; all other state is private to the
//! bridge of one process.

mod client_ids;
mod delivery;
mod legacy_to_modern;
mod log_levels;
mod modern_clients;
mod modern_to_legacy;
mod notifications;
mod requests;
mod same_era;
mod suspended;
mod tools;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use gateway_contract::revision::Era;

use crate::instances::bridge::{Bridge, Connector};
use crate::instances::connection::Connection;
use crate::messages::error::RpcError;
use legacy_to_modern::LegacyToModern;
use modern_to_legacy::ModernToLegacy;
use same_era::legacy::LegacyBridge;
use same_era::modern::ModernBridge;
use suspended::SuspendedCalls;

/// The factory of the bridges of one server.
struct Bridges {
    suspended: Arc<SuspendedCalls>,
}

/// Returns the factory of the bridges of `server`. Its calls may be suspended for `input_timeout` each.
#[must_use]
pub fn connector(server: &str, input_timeout: Duration) -> Arc<dyn Connector> {
    Arc::new(Bridges { suspended: Arc::new(SuspendedCalls::new(server, input_timeout)) })
}

impl Connector for Bridges {
    fn connect(&self, connection: Connection) -> Arc<dyn Bridge> {
        let suspended = Arc::clone(&self.suspended);
        match (connection.key.clients, connection.era) {
            (Era::Legacy, Era::Legacy) => LegacyBridge::new(connection),
            (Era::Modern, Era::Modern) => ModernBridge::new(connection, suspended),
            (Era::Modern, Era::Legacy) => ModernToLegacy::new(connection, suspended),
            (Era::Legacy, Era::Modern) => LegacyToModern::new(connection, suspended),
        }
    }

    fn expire(&self) {
        self.suspended.expire();
    }

    fn request_state(&self, principal: Option<&str>, sealed: &str) -> Result<String, RpcError> {
        let state = self.suspended.states().open_for(principal, sealed);
        state.map_err(|why| RpcError::invalid_params(why.to_string()))
    }
}
