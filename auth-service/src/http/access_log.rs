//! One line a request, without query strings: they carry codes and states.

use std::time::Instant;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};

/// Whether requests are logged.
#[must_use]
pub fn logs_access() -> bool {
    log::log_enabled!(target: "access", log::Level::Debug)
}

/// Logs method, path, version, status and duration.
pub async fn access_log(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let (begun, version) = (Instant::now(), request.version());
    let response = next.call(request).await?;
    let (status, duration) = (response.status().as_u16(), begun.elapsed());
    log::debug!(target: "access", status, duration:?; "{method} {path} {version:?}");
    Ok(response)
}
