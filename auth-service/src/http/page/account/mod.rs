//! The pages of a person, at `/me`.

mod connections;
mod servers;
mod sign_in;
mod sign_ins;
mod tokens;
mod when;

use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

pub(in crate::http) use self::{
    connections::{ListOf, connections, disconnect, disconnect_all},
    servers::servers,
    sign_in::{SignInPage, sign_in},
    sign_ins::{sign_ins, sign_out_everywhere},
    tokens::{TokenForm, created_token, new_token, tokens},
    when::When,
};
use super::{Frame, html};
use crate::{http::account::notice::Notice, oauth::Viewer};

/// What the pages of people show beside their content.
pub(in crate::http) struct Chrome<'a> {
    /// The person who is signed in.
    pub(in crate::http) viewer: &'a Viewer,
    /// The name of the section that is open.
    pub(in crate::http) section: &'static str,
    /// What a form has just done.
    pub(in crate::http) notice: Option<Notice>,
}

#[derive(Template)]
#[template(path = "me/activity.html")]
struct Activity<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
}

/// Renders what was done in the name of the person.
pub(in crate::http) fn activity(request: &HttpRequest, viewer: &Viewer) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "activity", notice: None };
    html(frame, actix_web::http::StatusCode::OK, &Activity { frame, chrome })
}
