//! The pages of a person, at `/me`.

mod activity;
mod connections;
mod servers;
mod sign_in;
mod sign_ins;
mod tokens;
mod when;

pub(in crate::http) use self::{
    activity::activity,
    connections::{ListOf, connections, disconnect, disconnect_all},
    servers::servers,
    sign_in::{SignInPage, sign_in},
    sign_ins::{sign_ins, sign_out_everywhere},
    tokens::{TokenForm, created_token, new_token, tokens},
    when::When,
};
use crate::{http::account::notice::Notice, oauth::Viewer};

/// The parts of a page of people around its content.
pub(in crate::http) struct Chrome<'a> {
    /// The person who is signed in.
    pub(in crate::http) viewer: &'a Viewer,
    /// The name of the section that is open.
    pub(in crate::http) section: &'static str,
    /// The outcome of the form before this page.
    pub(in crate::http) notice: Option<Notice>,
}
