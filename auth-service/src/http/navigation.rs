//! Fetch Metadata of a request: the way in which a browser opened a page (W3C "Fetch Metadata Request Headers").

use actix_web::{
    HttpRequest, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, HeaderMap},
    },
    middleware::Next,
};

use super::page;
use crate::oauth::{AuthServer, Error, StepFault};

/// Returns `true` if a person or a page of this server started the navigation. Without the header, another site is
/// assumed.
pub(super) fn began_here(headers: &HeaderMap) -> bool {
    matches!(one(headers, "sec-fetch-site"), Some("none" | "same-origin"))
}

/// Returns `true` if a page of another origin submitted the form. Servers are on the same site as this server, so that
/// cookies are sent along. A response to a foreign form would also replace the cookie of a flow.
///
/// Browsers without Fetch Metadata send `Origin` (Fetch §3.2).
pub(super) fn is_foreign_form(server: &AuthServer, headers: &HeaderMap) -> bool {
    match (one(headers, "sec-fetch-site"), one(headers, "origin")) {
        (Some(site), _) => site != "same-origin",
        (None, Some(origin)) => origin != server.core.config.issuer.as_str(),
        (None, None) => false,
    }
}

/// Returns `true` if the response is shown to a person.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    one(headers, "sec-fetch-dest") == Some("document") || accepts_html(headers)
}

/// Returns `true` if `Accept` names HTML explicitly, as browsers do. Programs send `*/*`.
pub(super) fn accepts_html(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).filter_map(|line| line.to_str().ok());
    let mut ranges = lines.flat_map(|line| line.split(','));
    ranges.any(|range| {
        let kind = range.split(';').next().unwrap_or("").trim();
        kind.eq_ignore_ascii_case("text/html")
    })
}

/// Answers requests that are not a person's navigation, before they have any effect: `HEAD`, prefetches, and requests
/// for images, scripts, frames or the like.
pub(super) async fn only<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    match other_than_navigation(request.request()) {
        None => Ok(next.call(request).await?.map_into_left_body()),
        Some(answer) => {
            Ok(request.into_response(answer).map_into_boxed_body().map_into_right_body())
        }
    }
}

fn other_than_navigation(request: &HttpRequest) -> Option<HttpResponse> {
    let headers = request.headers();
    if request.method() == Method::HEAD {
        let mut answer = HttpResponse::Ok();
        answer.insert_header((CACHE_CONTROL, "no-store"));
        return Some(answer.content_type("text/html; charset=utf-8").finish());
    }
    let is_prefetch = ["sec-purpose", "purpose", "x-moz"]
        .iter()
        .any(|name| one(headers, name).is_some_and(|value| value.contains("prefetch")));
    if is_prefetch {
        // The browser discards the response, and repeats the request when the person opens the page.
        let mut answer = HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE);
        return Some(answer.insert_header((CACHE_CONTROL, "no-store")).finish());
    }
    match one(headers, "sec-fetch-dest") {
        None | Some("document") => None,
        Some(_) => {
            let error = Error::Step(StepFault::Embedded);
            Some(page::error(request, StatusCode::BAD_REQUEST, &error, None))
        }
    }
}

fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}
