//! The relying party of OpenID Connect: against a stand-in whose every answer can be wrong, and against a
//! real provider.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test stop at the first thing that is not as it should be"
)]

mod answers;
mod authorization;
mod discovery;
mod entra;
mod id_tokens;
mod keys;
mod login;
mod logout;
mod mix_up;
mod oidc_provider;
mod refresh;
mod signer;
mod standin;
mod userinfo;
