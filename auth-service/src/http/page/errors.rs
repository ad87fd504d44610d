//! The pages for errors that must not or cannot be sent to a client: what happened, what to do, and what to tell the
//! operator.

use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::{Frame, Language, html};
use crate::oauth::{Error, ErrorCode, StepFault};

#[derive(Template)]
#[template(path = "error.html")]
struct Failure<'a> {
    frame: &'a Frame,
    what: Cow<'a, str>,
    remedy: Cow<'a, str>,
    /// Whether the page says that the operator can help.
    asks: bool,
    code: &'a str,
    /// The description of the protocol error, which is in English.
    reason: Option<String>,
    back: Option<ReturnLink<'a>>,
}

/// A link by which the person reports an error to the application.
#[derive(Clone, Copy)]
pub(in crate::http) struct ReturnLink<'a> {
    pub(in crate::http) url: &'a str,
    /// The name of the host that the link leads to.
    pub(in crate::http) destination: &'a str,
}

/// What happened, what to do, and whether the operator can help.
struct Words {
    what: Cow<'static, str>,
    remedy: Cow<'static, str>,
    asks: bool,
}

impl Words {
    fn new(what: impl Into<Cow<'static, str>>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), remedy: remedy.into(), asks: true }
    }

    /// Says nothing of the operator, who cannot do anything about it.
    fn alone(self) -> Self {
        Self { asks: false, ..self }
    }
}

/// Renders the 404 page for a path that is neither a page nor a server.
pub(in crate::http) fn nothing_here(request: &HttpRequest) -> HttpResponse {
    let frame = &Frame::of(request);
    let words = Words::new(frame.t.error_missing(), frame.t.error_missing_do()).alone();
    failure(frame, StatusCode::NOT_FOUND, words, ("not_found", None), None)
}

/// Renders the page that says that the operator has turned the device grant off.
pub(in crate::http) fn devices_off(request: &HttpRequest) -> HttpResponse {
    let frame = &Frame::of(request);
    let words = Words::new(frame.t.device_off(), frame.t.device_off_do()).alone();
    failure(frame, StatusCode::NOT_FOUND, words, ("device_grant is off", None), None)
}

/// Renders an error. With `back`, the person can report it to the client by a link.
pub(in crate::http) fn error(
    request: &HttpRequest,
    status: StatusCode,
    error: &Error,
    back: Option<ReturnLink<'_>>,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let reason = match error {
        // Their own words say it all.
        Error::Step(_) | Error::TooManyRequests(_) | Error::NotAllowed(_) => None,
        other => Some(other.to_string()),
    };
    failure(frame, status, words(frame.t, error), (error.code().as_str(), reason), back)
}

fn words(t: Language, error: &Error) -> Words {
    match error {
        Error::Step(fault) => of_a_step(t, *fault),
        Error::DocumentNotAccepted(host) => {
            Words::new(t.error_not_accepted(), t.error_not_accepted_do(host))
        }
        Error::ClientDocument(host) => {
            Words::new(t.error_unreadable(), t.error_unreadable_do(host))
        }
        Error::UnregisteredRedirectUri(_) => Words::new(t.error_redirect(), t.error_redirect_do()),
        Error::InvalidTarget(_) => Words::new(t.error_target(), t.error_target_do()),
        Error::TooManyRequests(wait) => {
            Words::new(t.error_too_many(), t.error_too_many_do(t.duration(*wait))).alone()
        }
        Error::NotAllowed(name) => Words::new(t.error_not_allowed(name), t.error_not_allowed_do()),
        Error::LoginRefused(..) => Words::new(t.error_sign_in(), t.error_sign_in_do()),
        Error::LoginRequired | Error::ConsentRequired | Error::InteractionRequired => {
            Words::new(t.error_silent(), t.error_silent_do()).alone()
        }
        other => match other.code() {
            ErrorCode::InvalidClient => {
                Words::new(t.error_unregistered(), t.error_unregistered_do())
            }
            ErrorCode::TemporarilyUnavailable | ErrorCode::ServerError => {
                Words::new(t.error_unavailable(), t.error_unavailable_do())
            }
            ErrorCode::AccessDenied => Words::new(t.error_denied(), t.error_denied_do()),
            _ => Words::new(t.error_refused(), t.error_refused_do()),
        },
    }
}

fn of_a_step(t: Language, fault: StepFault) -> Words {
    let (what, remedy) = match fault {
        StepFault::DeviceExpired => (t.error_device_expired(), t.error_device_do()),
        StepFault::DeviceUsed => (t.error_device_used(), t.error_device_do()),
        StepFault::LoginExpired => (t.error_login_expired(), t.error_refused_do()),
        StepFault::UnknownForm => (t.error_form(), t.error_refused_do()),
        StepFault::ForeignForm => (t.error_foreign_form(), t.error_foreign_form_do()),
        StepFault::Reopened => (t.error_reopened(), t.error_refused_do()),
        StepFault::Embedded => (t.error_embedded(), t.error_embedded_do()),
        StepFault::WrongHost => (t.error_wrong_host(), t.error_wrong_host_do()),
    };
    let words = Words::new(what, remedy);
    if fault == StepFault::WrongHost { words } else { words.alone() }
}

fn failure(
    frame: &Frame,
    status: StatusCode,
    words: Words,
    (code, reason): (&str, Option<String>),
    back: Option<ReturnLink<'_>>,
) -> HttpResponse {
    let Words { what, remedy, asks } = words;
    html(frame, status, &Failure { frame, what, remedy, asks, code, reason, back })
}
