//! One line a request, without query strings: they carry codes and states.

use std::time::Instant;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};

/// Logs method, path, version, status and duration.
pub async fn access_log(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let begun = log::log_enabled!(target: "access", log::Level::Debug).then(|| {
        (Instant::now(), request.method().clone(), request.path().to_owned(), request.version())
    });
    let response = next.call(request).await?;
    if let Some((begun, method, path, version)) = begun {
        let (status, duration) = (response.status().as_u16(), begun.elapsed());
        log::debug!(target: "access", status, duration:?; "{method} {path} {version:?}");
    }
    Ok(response)
}
