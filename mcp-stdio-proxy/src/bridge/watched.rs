//! Resources that sessions subscribe to.

use crate::instances::session::Session;
use crate::messages::error::RpcError;
use crate::messages::translate::subscription;

/// The maximum number of resources that a session may subscribe to.
const WATCHED: usize = 1024;

/// Returns the resource that `params` name.
pub(super) fn resource(params: &str) -> Result<String, RpcError> {
    let uri = subscription::uri(params).filter(|uri| uri.len() <= subscription::URI);
    uri.ok_or_else(|| RpcError::invalid_params("uri is missing, or too long"))
}

/// Returns the resource that `params` name, unless `session` has reached its maximum of subscriptions.
pub(super) fn watchable(session: &Session, params: &str) -> Result<String, RpcError> {
    let uri = resource(params)?;
    if session.watched().len() >= WATCHED {
        return Err(RpcError::invalid_params("too many resources are watched"));
    }
    Ok(uri)
}
