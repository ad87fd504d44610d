//! The history of a run: each operation of a client, with the times at which it began and ended, and its outcome.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use aws_lc_rs::digest;

/// A time since the beginning of the run, in microseconds.
pub type Micros = u64;

/// The name of a secret or an identifier in the history: the start of its SHA-256. A history grants nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(u64);

impl Id {
    /// Returns the name of `secret`.
    pub fn of(secret: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, secret.as_bytes());
        let start = hash.as_ref().iter().take(8);
        Self(start.fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:08x}", self.0 >> 32)
    }
}

/// The outcome of an operation.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// The answer says that it was done. It must stay done.
    Done(T),
    /// The answer says that it was not done, for a reason that is not temporary.
    Refused(String),
    /// The answer was lost or is a temporary error: it may have been done, or may still be.
    Unknown(String),
}

impl<T> Outcome<T> {
    /// Returns the result if it was done.
    pub fn done(&self) -> Option<&T> {
        match self {
            Self::Done(result) => Some(result),
            Self::Refused(_) | Self::Unknown(_) => None,
        }
    }

    /// Returns `true` if it was refused.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Returns `true` if the answer was lost or is a temporary error.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Returns the same outcome with another result.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Done(result) => Outcome::Done(with(result)),
            Self::Refused(why) => Outcome::Refused(why),
            Self::Unknown(why) => Outcome::Unknown(why),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(result) => write!(f, "done {result:?}"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Unknown(why) => write!(f, "unknown: {why}"),
        }
    }
}

/// The tokens of a token response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access: Id,
    /// The refresh token.
    pub refresh: Id,
}

/// The answer to a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The authorization code.
    pub code: Id,
    /// The browser session after the answer.
    pub session: Option<Id>,
}

/// The selection of a revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The grant of a refresh token.
    Refresh(Id),
    /// One access token.
    Access(Id),
    /// Everything of a person.
    Person(String),
    /// Everything of a client.
    Client(Id),
    /// The grants of a person to a client.
    PersonAtClient(String, Id),
}

/// The interface that a revocation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `POST /revoke` (RFC 7009).
    Endpoint,
    /// `auth-service token revoke`.
    Command,
}

/// The way that a request takes to auth-service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Through Traefik, to an instance of its choice.
    Edge,
    /// To the instance of this number.
    Instance(usize),
}

/// An operation.
#[derive(Clone, Debug)]
pub enum Act {
    /// A registration (RFC 7591), with the client id.
    Register(Outcome<Id>),
    /// The consent page. The result is `true` if the page knows the person.
    Page {
        /// The person.
        person: String,
        /// The client.
        client: Id,
        /// The session that the browser presents.
        session: Option<Id>,
        /// The outcome.
        outcome: Outcome<bool>,
    },
    /// The answer to the consent page.
    Consent {
        /// The person.
        person: String,
        /// The client.
        client: Id,
        /// The outcome.
        outcome: Outcome<Consent>,
    },
    /// A redemption of a code.
    Redeem(Id, Path, Outcome<Tokens>),
    /// A refresh with this refresh token.
    Refresh(Id, Path, Outcome<Tokens>),
    /// A request with this access token.
    Call(Id, Path, Outcome<()>),
    /// A stream that was opened with this access token. It ends when the stream does.
    Stream(Id),
    /// A revocation.
    Revoke(Target, Way, Outcome<()>),
    /// The clients of all grants in the operator's list, with the number of grants of each.
    List(Vec<(Id, usize)>),
}

impl Act {
    /// Returns the name and the outcome of the operation: `done`, `refused` or `unknown`.
    pub fn label(&self) -> (&'static str, &'static str) {
        fn word<T>(outcome: &Outcome<T>) -> &'static str {
            match outcome {
                Outcome::Done(_) => "done",
                Outcome::Refused(_) => "refused",
                Outcome::Unknown(_) => "unknown",
            }
        }
        match self {
            Self::Register(outcome) => ("register", word(outcome)),
            Self::Page { outcome, .. } => ("consent page", word(outcome)),
            Self::Consent { outcome, .. } => ("consent", word(outcome)),
            Self::Redeem(.., outcome) => ("redeem", word(outcome)),
            Self::Refresh(.., outcome) => ("refresh", word(outcome)),
            Self::Call(_, Path::Edge, outcome) => ("call", word(outcome)),
            Self::Call(_, Path::Instance(_), outcome) => ("verify", word(outcome)),
            Self::Stream(_) => ("stream", "done"),
            Self::Revoke(_, Way::Endpoint, outcome) => ("revoke", word(outcome)),
            Self::Revoke(_, Way::Command, outcome) => ("token revoke", word(outcome)),
            Self::List(_) => ("token list", "done"),
        }
    }
}

impl Act {
    /// Returns the reason if the outcome is unknown.
    pub fn unknown(&self) -> Option<&str> {
        fn reason<T>(outcome: &Outcome<T>) -> Option<&str> {
            match outcome {
                Outcome::Unknown(why) => Some(why),
                Outcome::Done(_) | Outcome::Refused(_) => None,
            }
        }
        match self {
            Self::Register(outcome) => reason(outcome),
            Self::Page { outcome, .. } => reason(outcome),
            Self::Consent { outcome, .. } => reason(outcome),
            Self::Redeem(.., outcome) | Self::Refresh(.., outcome) => reason(outcome),
            Self::Call(.., outcome) | Self::Revoke(.., outcome) => reason(outcome),
            Self::Stream(_) | Self::List(_) => None,
        }
    }
}

/// An operation with its times.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The time just before the request.
    pub began: Micros,
    /// The time just after the answer, or when the client stopped waiting.
    pub ended: Micros,
    /// The operation.
    pub act: Act,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12} – {:>12}  {:?}", seconds(self.began), seconds(self.ended), self.act)
    }
}

/// Returns `time` in seconds, as text.
pub fn seconds(time: Micros) -> String {
    format!("{}.{:06}", time / 1_000_000, time % 1_000_000)
}

/// The history, which grows during the run.
#[derive(Debug)]
pub struct History {
    start: Instant,
    entries: Mutex<Vec<Entry>>,
}

impl Default for History {
    fn default() -> Self {
        Self { start: Instant::now(), entries: Mutex::default() }
    }
}

impl History {
    /// Returns the time now.
    pub fn now(&self) -> Micros {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(Micros::MAX)
    }

    /// Adds an operation that began at `began` and ends now.
    pub fn add(&self, began: Micros, act: Act) {
        let entry = Entry { began, ended: self.now(), act };
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// Returns a copy of all entries so far, in the order of their ends.
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
