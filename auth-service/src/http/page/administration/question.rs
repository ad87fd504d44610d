//! The question before an act that cannot be taken back: it says what the act hits.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use crate::{
    http::page::{Frame, account::Chrome, html},
    oauth::{Reach, Viewer},
};

/// An act of an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Verb {
    /// Block a person.
    Block,
    /// Unblock a person.
    Unblock,
    /// Sign a person out, and end their grants.
    SignOut,
    /// End the grants of a client.
    Revoke,
    /// Refuse a client.
    Refuse,
    /// Readmit a client.
    Readmit,
}

impl Verb {
    /// Returns the last part of the path.
    pub(in crate::http) const fn path(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Unblock => "unblock",
            Self::SignOut => "sign-out",
            Self::Revoke => "revoke",
            Self::Refuse => "refuse",
            Self::Readmit => "readmit",
        }
    }

    /// Returns the kind of the notice after the act.
    pub(in crate::http) const fn done(self) -> &'static str {
        match self {
            Self::Block => "blocked",
            Self::Unblock => "unblocked",
            Self::SignOut => "signed-out",
            Self::Revoke => "revoked",
            Self::Refuse => "refused",
            Self::Readmit => "readmitted",
        }
    }

    /// Returns `true` for an act on a person, and `false` for one on a client.
    pub(in crate::http) const fn is_on_person(self) -> bool {
        matches!(self, Self::Block | Self::Unblock | Self::SignOut)
    }

    /// Returns `true` for an act that ends something.
    pub(in crate::http) const fn is_destructive(self) -> bool {
        !matches!(self, Self::Unblock | Self::Readmit)
    }
}

/// The question whether to act.
#[derive(Clone, Debug)]
pub(in crate::http) struct Question {
    /// The act.
    pub(in crate::http) verb: Verb,
    /// The name of the person or the client.
    pub(in crate::http) name: String,
    /// The subject or the client id.
    pub(in crate::http) id: String,
    /// The grants that the act ends.
    pub(in crate::http) reach: Reach,
    /// The number of sign-ins that the act ends.
    pub(in crate::http) sign_ins: usize,
    /// `true` if the name must be typed.
    pub(in crate::http) needs_name: bool,
    /// The reason that the act was not carried out: `name`, `oneself` or `last`.
    pub(in crate::http) problem: Option<&'static str>,
}

impl Question {
    /// Returns the id for a URL.
    fn encoded(&self) -> String {
        url::form_urlencoded::byte_serialize(self.id.as_bytes()).collect()
    }

    /// Returns the URL of the page that the act is on.
    fn back(&self) -> String {
        if self.verb.is_on_person() {
            format!("/admin/people/{}", self.encoded())
        } else {
            format!("/admin/client?id={}", self.encoded())
        }
    }

    /// Returns what the act ends, in words.
    fn hits(&self, frame: &Frame) -> String {
        let t = frame.t;
        let Reach { grants, clients, people, is_more } = &self.reach;
        let grants =
            if *is_more { t.admin_count_more_grants(grants) } else { t.admin_count_grants(grants) };
        if self.verb.is_on_person() {
            let grants = format!("{grants} {}", t.admin_count_of_clients(clients));
            t.list_and(grants, t.admin_count_sign_ins(self.sign_ins))
        } else {
            format!("{grants} {}", t.admin_count_of_people(people))
        }
    }

    /// Returns the URL that the form is sent to.
    fn action(&self) -> String {
        let (id, act) = (self.encoded(), self.verb.path());
        if self.verb.is_on_person() {
            format!("/admin/people/{id}/{act}")
        } else {
            format!("/admin/client/{act}?id={id}")
        }
    }
}

#[derive(Template)]
#[template(path = "admin/question.html")]
struct QuestionPage<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    of: &'a Question,
}

/// Renders the question.
pub(in crate::http) fn ask(
    request: &HttpRequest,
    viewer: &Viewer,
    question: &Question,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let section = if question.verb.is_on_person() { "people" } else { "clients" };
    let chrome = Chrome { viewer, section, notice: None };
    let status = match question.problem {
        None => StatusCode::OK,
        Some("name") => StatusCode::BAD_REQUEST,
        Some(_) => StatusCode::CONFLICT,
    };
    html(frame, status, &QuestionPage { frame, chrome, of: question })
}
