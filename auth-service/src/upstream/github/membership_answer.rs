//! The meaning of an answer about one membership.
//!
//! Only GitHub's own "not found" is a no. An organization that hides itself from the app, or that
//! requires single sign-on, says nothing about the person.

use reqwest::StatusCode;

use super::{
    super::{json::Object, provider_http::Answer},
    api::message,
    rate_limit,
};
use crate::model::{Membership, UnixTime};

/// The header with which an organization asks for a login at its SAML provider.
const SSO: &str = "x-github-sso";
/// The header with the scopes of the token. For a GitHub App, it is empty.
const SCOPES: &str = "x-oauth-scopes";
/// The scopes that permit questions about memberships.
const SUFFICIENT: [&str; 3] = ["read:org", "write:org", "admin:org"];

/// The meaning of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// GitHub says whether the person is a member.
    Known(Membership),
    /// The rate limit is reached, until this time.
    Limited(UnixTime),
    /// The organization permits only apps that an owner has approved.
    AppBlocked,
    /// The answer says nothing about the person, for this reason.
    Unclear(&'static str),
}

/// Returns the meaning of `answer`.
pub(super) fn meaning(answer: &Answer, now: UnixTime) -> Meaning {
    if let Some(until) = rate_limit::end(answer, now) {
        return Meaning::Limited(until);
    }
    let requires_login = answer.headers.contains_key(SSO);
    match (answer.status, message(answer)) {
        (StatusCode::OK, _) => state(&answer.body),
        (StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, _) if requires_login => {
            Meaning::Unclear("the organization requires single sign-on")
        }
        (StatusCode::FORBIDDEN, Some(message)) if blocks_app(&message) => Meaning::AppBlocked,
        (StatusCode::NOT_FOUND, Some(_)) if lacks_scope(answer) => {
            Meaning::Unclear("the token lacks the scope read:org")
        }
        (StatusCode::NOT_FOUND, Some(_)) => Meaning::Known(Membership::NotMember),
        (StatusCode::FORBIDDEN, _) => Meaning::Unclear("the app may not ask"),
        _ => Meaning::Unclear("an unexpected answer"),
    }
}

fn state(body: &[u8]) -> Meaning {
    match Object::parse(body).as_ref().and_then(|membership| membership.text("state")) {
        Some("active") => Meaning::Known(Membership::Member),
        // An invitation that the person has not accepted.
        Some("pending") => Meaning::Known(Membership::NotMember),
        _ => Meaning::Unclear("an answer without a known state"),
    }
}

fn blocks_app(message: &str) -> bool {
    message.contains("access restrictions") || message.contains("third-part")
}

/// Returns `true` if the token has scopes, but none for memberships. GitHub then hides teams.
fn lacks_scope(answer: &Answer) -> bool {
    let scopes = answer.header(SCOPES).unwrap_or_default();
    let mut scopes = scopes.split(',').map(str::trim).filter(|scope| !scope.is_empty()).peekable();
    scopes.peek().is_some() && !scopes.any(|scope| SUFFICIENT.contains(&scope))
}
