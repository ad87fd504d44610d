//! What the stand-in knows: accounts by id, and the tokens that it issued for them.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{Mood, Place, Reply};

/// An account, which its id identifies.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) id: u64,
    pub(super) login: String,
    pub(super) suspended: bool,
    /// Whether the primary e-mail address is verified.
    pub(super) verified: bool,
    pub(super) orgs: HashMap<String, Place>,
    pub(super) teams: HashMap<String, Place>,
}

/// The grant behind a code or token.
#[derive(Clone)]
pub(super) struct Grant {
    pub(super) account: u64,
    pub(super) scopes: Vec<String>,
}

/// A code that was not redeemed.
pub(super) struct Code {
    pub(super) challenge: String,
    pub(super) grant: Grant,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) mood: Option<Mood>,
    pub(super) hesitation: Duration,
    pub(super) accounts: HashMap<u64, Account>,
    /// The account that logs in, or did last.
    pub(super) current: u64,
    pub(super) codes: HashMap<String, Code>,
    pub(super) tokens: HashMap<String, Grant>,
    pub(super) refresh_tokens: HashMap<String, Grant>,
    /// Whether new tokens end.
    pub(super) expires: bool,
    /// Organizations that permit only approved apps.
    pub(super) blocked: HashSet<String>,
    /// Organizations that require single sign-on.
    pub(super) sso: HashSet<String>,
    pub(super) replies: HashMap<String, Reply>,
    pub(super) asked: Vec<String>,
    pub(super) at_once: usize,
    pub(super) most_at_once: usize,
    pub(super) forms: Vec<String>,
    issued: usize,
}

impl State {
    pub(super) fn set(&mut self, mood: Mood) {
        if let Mood::LogsIn { id, login } = &mood {
            self.current = *id;
            let account = self.accounts.entry(*id).or_insert_with(|| Account {
                id: *id,
                login: String::new(),
                suspended: false,
                verified: true,
                orgs: HashMap::new(),
                teams: HashMap::new(),
            });
            account.login.clone_from(login);
        }
        self.mood = Some(mood);
    }

    /// The account that logs in, or did last.
    pub(super) fn account(&mut self) -> &mut Account {
        self.accounts.get_mut(&self.current).expect("an account")
    }

    /// A text that was not issued before.
    pub(super) fn issue(&mut self, prefix: &str) -> String {
        self.issued += 1;
        format!("{prefix}stand-in-{}", self.issued)
    }
}
