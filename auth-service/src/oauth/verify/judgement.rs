//! The answer of the access policy about a token at one server, kept with the token until the policy, the facts
//! about the person or the catalogue change.

use std::{borrow::Cow, sync::Arc};

use parking_lot::RwLock;

use crate::{
    access::ServerVerdict,
    model::{Catalogue, McpServer, Scopes, UnixTime},
    oauth::people::Seen,
};

/// The answer about a token at one server.
#[derive(Debug)]
pub(in crate::oauth) struct Judgement {
    pub(super) seen: Seen,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) server: Box<str>,
    pub(super) verdict: ServerVerdict,
    /// `true` if the provider may know more than is known.
    pub(super) is_unknown: bool,
    /// `true` if facts are unknown because the last check was too long ago.
    pub(super) are_stale: bool,
    /// The time from which the answer may be wrong.
    pub(super) valid_until: Option<UnixTime>,
}

/// The number of servers whose answers are kept with a token.
const SERVERS: usize = 8;

/// The latest answers about a token, one for each server.
#[derive(Default)]
pub(super) struct Latest(RwLock<Vec<Arc<Judgement>>>);

impl Latest {
    /// Returns the latest answer about `server`, which may be out of date.
    pub(super) fn get(&self, server: &McpServer) -> Option<Arc<Judgement>> {
        let latest = self.0.read();
        latest.iter().find(|one| *one.server == *server.name.as_str()).map(Arc::clone)
    }

    pub(super) fn put(&self, judgement: &Arc<Judgement>) {
        let mut latest = self.0.write();
        latest.retain(|one| one.server != judgement.server);
        if latest.len() >= SERVERS {
            latest.remove(0);
        }
        latest.push(Arc::clone(judgement));
    }
}

impl Judgement {
    /// Returns `true` if the person may use the server.
    pub(super) fn is_allowed(&self) -> bool {
        self.verdict.allowed
    }

    /// Returns the patterns of the tools that the policy allows. With `None`, all.
    pub(super) fn tools_allow(&self) -> Option<Vec<Cow<'_, str>>> {
        let patterns = self.verdict.tools_allow.as_deref()?;
        Some(patterns.iter().map(|pattern| pattern.as_str().into()).collect())
    }

    /// Returns the patterns of the tools that the policy denies.
    pub(super) fn tools_deny(&self) -> Vec<Cow<'_, str>> {
        self.verdict.tools_deny.iter().map(|pattern| pattern.as_str().into()).collect()
    }

    /// Returns those of `scopes`, which blanks separate, that the policy lets the person have.
    pub(super) fn capped<'a>(&self, scopes: &'a str) -> Cow<'a, str> {
        match &self.verdict.scopes {
            None => Cow::Borrowed(scopes),
            Some(cap) => {
                let held = Scopes::parse(scopes).unwrap_or_default();
                Cow::Owned(held.intersection(cap).to_string())
            }
        }
    }
}
