//! The log levels of sessions that share a legacy server, which has one level for all (MCP "Logging").

use crate::instances::clients::Clients;
use crate::instances::session::Session;

/// Returns the lowest level that a session has asked for, except the session `but`.
pub(super) fn least_level(clients: &Clients, but: Option<u64>) -> Option<usize> {
    let sessions = clients.sessions();
    let others = sessions.iter().filter(|session| Some(session.serial) != but);
    others.filter_map(|session| session.log_level()).min()
}

/// Returns which sessions are meant by a log message of `level`. The server leaves out what is below the
/// lowest level that it was told.
pub(super) fn hears(clients: &Clients, level: usize) -> impl Fn(&Session) -> bool + use<> {
    let told = least_level(clients, None);
    move |session| {
        let wanted = session.log_level();
        wanted == told || wanted.is_none_or(|wanted| wanted <= level)
    }
}
