//! Handler of `GET /ended-grants`: the revocation feed for the proxies behind the gateway. Traefik publishes it only on
//! the inner entry point.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use serde_json::json;
use url::form_urlencoded;

use super::error::RETRY_AFTER;
use crate::oauth::AuthServer;

/// Answers with the revocations after the position `after` (long polling). Answers 503 if Redis is unavailable.
pub(super) async fn ended_grants(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    let mut query = form_urlencoded::parse(request.query_string().as_bytes());
    let after = query.find(|(name, _)| name == "after").map(|(_, value)| value);
    match server.core.store.ended_after(after.as_deref()).await {
        Some(news) => {
            HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(news)
        }
        None => HttpResponse::ServiceUnavailable()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::RETRY_AFTER, RETRY_AFTER))
            .json(json!({
                "error": "temporarily_unavailable",
                "error_description": "redis does not answer; try again",
            })),
    }
}
