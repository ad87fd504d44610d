//! The consent page, and the page that asks which server an application may use.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::{Frame, html};
use crate::oauth::{
    ClientOrigin, ConsentPage, Destination, Endpoint, LoginWay, Remark, ScopeLabel,
};

/// The number of scopes in words that are shown at once, so that Cancel stays in view on a phone.
const SCOPES: usize = 3;
/// The number of login providers that have a button at once, for the same reason.
const WAYS: usize = 2;

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent<'a> {
    frame: &'a Frame,
    page: &'a ConsentPage,
    /// The name of the client, in quotes if it is only its own claim.
    client: String,
    heading: String,
    /// When the access ends.
    ends: String,
    scopes: &'a [ScopeLabel],
    more_scopes: &'a [ScopeLabel],
    ways: &'a [LoginWay],
    other_ways: &'a [LoginWay],
}

#[derive(Template)]
#[template(path = "choose.html")]
struct ChooseServer<'a> {
    frame: &'a Frame,
    page: &'a ConsentPage,
    client: String,
}

/// Renders the consent page. If a server must be chosen first, renders the page for that choice.
pub(in crate::http) fn consent(request: &HttpRequest, page: &ConsentPage) -> HttpResponse {
    let status = match page.remark {
        None | Some(Remark::Stale) => StatusCode::OK,
        Some(Remark::WrongCode | Remark::Interrupted) => StatusCode::BAD_REQUEST,
        Some(Remark::Refused) => StatusCode::FORBIDDEN,
    };
    let frame = &Frame::of(request);
    let client = match page.client_origin {
        ClientOrigin::Unverified => frame.t.consent_quoted(&page.client_name),
        ClientOrigin::Published(_) | ClientOrigin::Operator => page.client_name.clone(),
    };
    if !page.choices.is_empty() {
        return html(frame, status, &ChooseServer { frame, page, client });
    }
    let (scopes, more_scopes) = parts(&page.scopes, SCOPES);
    let (ways, other_ways) = parts(&page.ways.providers, WAYS);
    let (heading, ends) = (heading(frame, page, &client), ends(frame, page));
    let consent =
        Consent { frame, page, client, heading, ends, scopes, more_scopes, ways, other_ways };
    html(frame, status, &consent)
}

fn heading(frame: &Frame, page: &ConsentPage, client: &str) -> String {
    match page.servers.as_slice() {
        [server] => frame.t.consent_heading(client, &server.title),
        servers => frame.t.consent_heading_many(client, servers.len()),
    }
}

/// Returns when the access ends, and the place where the person can end it if there is one.
fn ends(frame: &Frame, page: &ConsentPage) -> String {
    // The host stands at the top of the page.
    let place = frame.account_pages.as_ref().map(|_| Endpoint::Account.path());
    let time = frame.t.duration(page.lasts.unwrap_or(page.lasts_unused));
    match (page.lasts, place) {
        (None, None) => frame.t.consent_ends_unused(time),
        (None, Some(place)) => frame.t.consent_ends_unused_or(place, time),
        (Some(_), None) => frame.t.consent_ends_latest(time),
        (Some(_), Some(place)) => frame.t.consent_ends_latest_or(place, time),
    }
}

/// Splits `all` into at most `most` and the rest. A rest of one is no rest.
fn parts<T>(all: &[T], most: usize) -> (&[T], &[T]) {
    if all.len() <= most + 1 { (all, &[]) } else { all.split_at(most) }
}
