//! The gateway with two more real OpenID providers: `scripts/test --providers` installs and runs them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test stop at the first thing that is not as it should be"
)]

mod canaille;
#[path = "../rfc/document_host.rs"]
#[expect(dead_code, reason = "shared with the tests of the protocol")]
mod document_host;
mod gateway;
mod glewlwyd;
#[path = "../rfc/provider_login.rs"]
mod provider_login;
#[path = "../rfc/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the protocol")]
mod support;
