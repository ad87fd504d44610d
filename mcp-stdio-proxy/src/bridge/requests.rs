//! Messages that the proxy itself sends to a server on behalf of clients.

use std::time::Duration;

use serde_json::Value;

use crate::messages::json_edit::JsonEdit;
use crate::messages::translate::log;
use crate::process::Process;

/// The time for which a server may process an answer of a client before the next request is sent. server-filesystem,
/// for example, checks the roots that it receives.
pub(super) const SETTLING: Duration = Duration::from_millis(150);

/// Answers a `ping` of the server. A connected client does not prove that the session is alive, so the proxy
/// answers itself.
pub(super) fn answer_ping(process: &Process, id: &str) {
    let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
    process.post(JsonEdit::of(&answer).input());
}

/// Returns the parameters of a request about the resource `uri`.
pub(super) fn uri_params(uri: &str) -> String {
    format!("{{\"uri\":{}}}", Value::from(uri))
}

/// Sends the request `method` about a resource, and ignores the response.
pub(super) fn post_uri(process: &Process, method: &str, uri: &str) {
    process.submit_ignoring(method, &uri_params(uri));
}

/// Sets the log level of a process, and ignores the response.
pub(super) fn post_level(process: &Process, level: usize) {
    let Some(name) = log::LEVELS.get(level) else { return };
    process.submit_ignoring("logging/setLevel", &format!(r#"{{"level":"{name}"}}"#));
}
