//! Parameters of tools that a client repeats in headers.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::super::http_error::HttpError;
use super::check;
use crate::instances::bridge::Bridge;
use crate::messages::meta::Asked;
use crate::messages::param_headers::ParamHeaders;

/// Refuses a call of a tool whose parameters are not repeated in headers as the tool wants it.
pub(in crate::http) async fn check(
    request: &HttpRequest,
    bridge: &dyn Bridge,
    asked: &Asked<'_>,
) -> Result<(), HttpError> {
    let name = asked.name().unwrap_or_default();
    let check = |all: Arc<ParamHeaders>| match all.get(&*name) {
        Some(headers) => check::param_headers(request.headers(), headers, asked.arguments()),
        None => Ok(()),
    };
    // What is known of the tool may be out of date.
    match check(bridge.param_headers(false).await) {
        Ok(()) => Ok(()),
        Err(_) => check(bridge.param_headers(true).await),
    }
}
