//! The fields of an audit event.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::EventKind;

/// The version of the format of events.
const VERSION: u8 = 1;

/// The result of the act that an event reports.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The act took place.
    #[default]
    Ok,
    /// A rule did not allow the act.
    Denied,
    /// The act was allowed, and failed.
    Failed,
}

/// A person, an operator (`operator:UID@HOST`) or a client that acts for itself (`client:ID`).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Person<'a> {
    /// The subject of access tokens, such as `github:583231`.
    pub sub: Cow<'a, str>,
    /// The login name, if it is known.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub name: Cow<'a, str>,
}

/// An OAuth client.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Client<'a> {
    /// The client id.
    pub id: Cow<'a, str>,
    /// The display name, which the client chose itself, if it is known.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub name: Cow<'a, str>,
}

/// An audit event. It never holds a token, a code, an argument, a result or a query string.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Event<'a> {
    /// The version of the format.
    pub v: u8,
    /// The unique id of the event: a UUID version 7 (RFC 9562 §5.7).
    pub id: Cow<'a, str>,
    /// The time, as in RFC 3339, in UTC with milliseconds.
    pub time: Cow<'a, str>,
    /// The kind of the event.
    pub event: EventKind,
    /// The result of the act.
    pub outcome: Outcome,
    /// The reason of a refusal or failure, or of the end of a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
    /// The person who acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Person<'a>>,
    /// The person whom the act concerns, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Person<'a>>,
    /// The client that acted, or that the act concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client<'a>>,
    /// The names of the servers, separated by blanks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Cow<'a, str>>,
    /// The name of the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Cow<'a, str>>,
    /// The hash of the grant's id, as in the feed of ended grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Cow<'a, str>>,
    /// The IP address of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addr: Option<Cow<'a, str>>,
    /// The kind of program, from `User-Agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Cow<'a, str>>,
    /// The request id, as in `X-Request-Id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Cow<'a, str>>,
    /// The trace id of the request, from `traceparent` (W3C Trace Context).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Cow<'a, str>>,
    /// The duration in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// The number of things that the act concerned, such as grants, or lost events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The program and the host that wrote the event, such as `auth-service@gateway-1`.
    pub by: Cow<'a, str>,
}

impl<'a> Event<'a> {
    /// Returns an event of `kind` with an `id`, a `time` and a writer, and nothing else.
    #[must_use]
    pub fn new(kind: EventKind, id: Cow<'a, str>, time: Cow<'a, str>, by: &'a str) -> Self {
        Self { id, time, by: by.into(), ..Self::of(kind) }
    }

    /// Returns an event of `kind` that has nothing else, not even an id.
    #[must_use]
    pub fn of(kind: EventKind) -> Self {
        Self {
            v: VERSION,
            id: "".into(),
            time: "".into(),
            event: kind,
            outcome: Outcome::Ok,
            reason: None,
            actor: None,
            target: None,
            client: None,
            server: None,
            tool: None,
            grant: None,
            addr: None,
            agent: None,
            request: None,
            trace: None,
            ms: None,
            count: None,
            by: "".into(),
        }
    }
}
