//! The pages of a person: what is connected in their name, and its end.
//!
//! - `sign_in`: a login without a client, for these pages
//! - `viewer`: the person behind a request, and the CSRF token of their forms
//! - `activity`: the audit events of the person
//! - `connections`: the grants of the person
//! - `servers`: the servers that the person may use
//! - `tokens`: personal access tokens
//! - `sign_ins`: the login sessions of the person

mod activity;
mod connections;
mod return_path;
mod servers;
mod sign_in;
mod sign_ins;
mod tokens;
mod viewer;

use std::sync::Arc;

pub use self::{
    connections::{Connection, Disconnection},
    return_path::ReturnPath,
    servers::UsableServer,
    sign_in::{PendingSignIn, SEAL, SignInReturn, SignedIn},
    sign_ins::SignIn,
    tokens::{TokenServer, TokenWish},
    viewer::Viewer,
};
use crate::oauth::{Core, Sessions, TokenIssuer};

/// The operations of people on their own connections, tokens and sign-ins.
pub struct Accounts {
    pub(super) core: Arc<Core>,
    pub(super) sessions: Sessions,
    pub(super) tokens: TokenIssuer,
}
