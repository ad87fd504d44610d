//! Translation of messages between a client and a server of different eras. `docs/ERAS.md` has the table.
//! Each file covers one kind of message and changes only the documented parts. Everything else stays the same
//! text. *Modern* is 2026-07-28, *legacy* a revision with a handshake.

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
pub mod task_call;
pub mod tasks;
