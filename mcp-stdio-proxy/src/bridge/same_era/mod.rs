//! Bridges without translation: client and server are of the same era.

pub(super) mod legacy;
pub(super) mod modern;
mod roots;
mod roots_state;
mod server_request;
mod server_requests;
mod session_state;
mod shared;
