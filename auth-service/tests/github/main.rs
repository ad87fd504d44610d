//! The client of GitHub, against a stand-in: logins, memberships, later checks and renewed tokens.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test stop at the first thing that is not as it should be"
)]

mod blocked_app;
mod email;
mod limits;
mod logged;
mod login;
mod membership_answers;
mod memberships;
mod recheck;
mod renewal;
mod support;
