//! The tokens of all people, so that a revocation can be followed by their use.

use std::sync::{Mutex, PoisonError};

/// The tokens of one grant.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The person.
    pub person: String,
    /// The client id.
    pub client: String,
    /// The newest access token.
    pub access: String,
}

/// The tokens of all grants that are in use.
#[derive(Debug, Default)]
pub struct Vault(Mutex<Vec<Kept>>);

impl Vault {
    /// Replaces the tokens of `person`.
    pub fn put(&self, person: &str, own: Vec<Kept>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|kept| kept.person != person);
        all.extend(own);
    }

    /// Returns a copy of all tokens.
    pub fn all(&self) -> Vec<Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
