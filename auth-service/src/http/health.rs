//! Handlers of the liveness check `GET /health` and the readiness check `GET /ready`.

use actix_web::{HttpResponse, http::header, web::Data};
use serde_json::json;

use super::error::RETRY_AFTER;
use crate::{model::Chain, oauth::AuthServer, store::Trial};

/// Answers 200 as long as the process serves requests. Does not ask Redis.
pub(super) async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Answers 200 if Redis answers and takes writes, and 503 if it is unusable.
///
/// While Redis temporarily refuses writes, people who are logged in are still served. The answer is then 200 with
/// `"storage": "refuses writes"`.
pub(super) async fn ready(server: Data<AuthServer>) -> HttpResponse {
    match server.core.ready().await {
        Ok(Trial::Written) => HttpResponse::Ok().json(json!({ "status": "ok" })),
        Ok(Trial::Refused(error)) => {
            log::warn!("Redis refuses writes: {error}");
            HttpResponse::Ok().json(json!({ "status": "ok", "storage": "refuses writes" }))
        }
        Err(error) => {
            log::warn!("not ready: {}", Chain(&error));
            HttpResponse::ServiceUnavailable()
                .insert_header((header::RETRY_AFTER, RETRY_AFTER))
                .json(json!({ "status": "unavailable", "storage": "unusable" }))
        }
    }
}
