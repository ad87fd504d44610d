//! `GET /ended-grants`: the feed of what was revoked, for the proxies behind the gateway. Traefik publishes
//! it on the inner entry point alone.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use serde_json::json;
use url::form_urlencoded;

use super::error::RETRY_AFTER;
use crate::oauth::AuthServer;

/// Answers with what has ended after the position `after`, at once or when there is news.
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
