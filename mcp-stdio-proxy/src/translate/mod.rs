//! What becomes of a message when client and server are of different eras; `docs/ERAS.md` has the
//! table. Each file is about one kind of message and changes only what it names: everything else
//! stays the text it was. Modern is 2026-07-28, legacy a revision with a handshake.

pub mod capabilities;
pub mod discover;
pub mod failure;
pub mod input;
pub mod log;
pub mod request;
pub mod result;
pub mod round;
pub mod shared;
pub mod subscription;
pub mod tasks;
