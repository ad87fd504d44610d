//! The requests of the flood: every endpoint that a stranger reaches, in each way that makes it work.

pub mod account;
pub mod authorize;
pub mod client;
pub mod consent;
pub mod device;
pub mod edge;
pub mod token;

use super::kit::Kit;
use super::shot::{Answer, Shot};

/// One kind of request.
#[derive(Clone, Copy)]
pub struct Vector {
    /// Endpoint and variant, for people.
    pub name: &'static str,
    /// A status that at least one answer has, or else the flood missed what it aims at.
    pub expects: Option<u16>,
    /// Makes the request of this number.
    pub aim: fn(&Kit, u64) -> Shot,
    /// Keeps what later requests need.
    pub learn: fn(&Kit, &Shot, &Answer),
}

impl Vector {
    /// One of whose answers nothing is kept.
    #[must_use]
    pub const fn new(name: &'static str, aim: fn(&Kit, u64) -> Shot) -> Self {
        const fn nothing(_: &Kit, _: &Shot, _: &Answer) {}
        Self { name, expects: None, aim, learn: nothing }
    }

    /// The same, where some answer has `status`.
    #[must_use]
    pub const fn expecting(self, status: u16) -> Self {
        Self { expects: Some(status), ..self }
    }

    /// The same, with what is learnt of an answer.
    #[must_use]
    pub const fn learning(self, learn: fn(&Kit, &Shot, &Answer)) -> Self {
        Self { learn, ..self }
    }
}

/// All of them, by turns. What makes material comes before what uses it.
#[must_use]
pub fn all() -> Vec<Vector> {
    let lists =
        [client::VECTORS, authorize::VECTORS, consent::VECTORS, device::VECTORS, token::VECTORS];
    lists.into_iter().chain([account::VECTORS, edge::VECTORS]).flatten().copied().collect()
}

/// Text that belongs to request `number` alone, `length` long.
#[must_use]
pub fn junk(number: u64, length: usize) -> String {
    let word = format!("{number:016x}");
    word.chars().cycle().take(length).collect()
}
