//! `GET /health`: the process answers. `GET /ready`: its storage does, too, and can be written.

use actix_web::{HttpResponse, http::header, web::Data};
use serde_json::json;

use super::error::RETRY_AFTER;
use crate::{model::Chain, oauth::AuthServer, store::Trial};

/// Alive.
pub(super) async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Able to work. While Redis refuses writes for now, those who are logged in are served, and so the answer
/// is 200 with `"storage": "refuses writes"`.
pub(super) async fn ready(server: Data<AuthServer>) -> HttpResponse {
    match server.core.ready().await {
        Ok(Trial::Written) => HttpResponse::Ok().json(json!({ "status": "ok" })),
        Ok(Trial::Refused(error)) => {
            log::warn!("Redis refuses new data: {error}");
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
