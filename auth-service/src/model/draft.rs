//! Audit events in the making.

use std::net::IpAddr;

use gateway_contract::audit::{Client, Event, EventKind, Outcome, Person};

use super::{Actor, Caller, ClientId, Fingerprint, Grant, Identifier, LastUse, UnixTime, User};

/// The maximum length of a name in an event, in characters. Strangers choose the names of clients.
const NAME: usize = 128;

/// The maximum length of a list of servers and of a reason, in characters.
const TEXT: usize = 512;

/// An audit event in the making.
#[derive(Clone, Debug)]
pub struct Draft<'a>(Event<'a>);

impl<'a> Draft<'a> {
    /// Returns a draft of `event`.
    #[must_use]
    pub const fn of(event: Event<'a>) -> Self {
        Self(event)
    }

    /// Returns the kind of the event.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        self.0.event
    }

    /// Returns the event.
    #[must_use]
    pub fn into_event(self) -> Event<'a> {
        self.0
    }

    /// Names the person who acted.
    #[must_use]
    pub fn actor(mut self, user: &User) -> Self {
        self.0.actor = Some(person(&user.subject, &user.name));
        self
    }

    /// Names the one who acted.
    #[must_use]
    pub fn by(self, actor: &Actor) -> Self {
        match actor {
            Actor::Request(Some(user), caller) => self.actor(user).from(caller),
            Actor::Request(None, caller) => self.from(caller),
            Actor::Operator(name) => self.actor_named(name),
            Actor::Gateway => self,
        }
    }

    /// Names the operator who acted.
    #[must_use]
    pub fn actor_named(mut self, subject: &str) -> Self {
        self.0.actor = Some(person(subject, ""));
        self
    }

    /// Names the person whom the act concerns.
    #[must_use]
    pub fn target(mut self, user: &User) -> Self {
        self.0.target = Some(person(&user.subject, &user.name));
        self
    }

    /// Names the person whom the act concerns, by subject or login name.
    #[must_use]
    pub fn target_named(mut self, subject: &str) -> Self {
        self.0.target = Some(person(subject, ""));
        self
    }

    /// Names the client.
    #[must_use]
    pub fn client(mut self, id: &ClientId, name: &str) -> Self {
        let (id, name) = (cut(id.as_str(), TEXT).into(), cut(name, NAME).into());
        self.0.client = Some(Client { id, name });
        self
    }

    /// Names the servers, separated by blanks.
    #[must_use]
    pub fn servers(mut self, names: &str) -> Self {
        self.0.server = (!names.is_empty()).then(|| cut(names, TEXT).into());
        self
    }

    /// Names a grant by the hash of its id.
    #[must_use]
    pub fn grant_id(mut self, id: &Identifier) -> Self {
        self.0.grant = Some(Fingerprint::of(id.as_str()).to_string().into());
        self
    }

    /// Names a grant with its client and, as the one whom the act concerns, its person.
    #[must_use]
    pub fn about(self, grant: &Grant) -> Self {
        let named = self.client(&grant.client_id, &grant.client_name);
        named.grant_id(&grant.id).target(&grant.user)
    }

    /// Says that the person whom the act concerns is the one who acted.
    #[must_use]
    pub fn by_the_person(mut self) -> Self {
        self.0.actor = self.0.target.take();
        self
    }

    /// States where the request came from.
    #[must_use]
    pub fn from(mut self, caller: &Caller) -> Self {
        let LastUse { program, .. } =
            LastUse::new(UnixTime(0), caller.address, caller.user_agent.as_deref());
        self.0.addr = Some(caller.address.to_canonical().to_string().into());
        self.0.agent = Some(program.into());
        self.0.request = caller.request_id.as_deref().map(|id| cut(id, NAME).into());
        self
    }

    /// States the address of the client alone.
    #[must_use]
    pub fn address(mut self, address: Option<IpAddr>) -> Self {
        self.0.addr = address.map(|address| address.to_canonical().to_string().into());
        self
    }

    /// States a reason.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Self {
        self.0.reason = Some(cut(reason, TEXT).into());
        self
    }

    /// Says that a rule did not allow the act.
    #[must_use]
    pub fn denied(mut self, reason: &str) -> Self {
        self.0.outcome = Outcome::Denied;
        self.reason(reason)
    }

    /// Says that the act failed.
    #[must_use]
    pub fn failed(mut self, reason: &str) -> Self {
        self.0.outcome = Outcome::Failed;
        self.reason(reason)
    }

    /// Names the tool.
    #[must_use]
    pub fn tool(mut self, name: Option<&str>) -> Self {
        self.0.tool = name.map(|name| cut(name, NAME).into());
        self
    }

    /// States the number of things that the act concerned.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.0.count = Some(count);
        self
    }
}

fn person(subject: &str, name: &str) -> Person<'static> {
    Person { sub: cut(subject, TEXT).into(), name: cut(name, NAME).into() }
}

/// Returns the first `most` characters of `text`.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_bounded_whatever_strangers_call_themselves() {
        let long = "ü".repeat(100_000);
        let event = Event::new(EventKind::ClientRegistered, "id".into(), "time".into(), "by");
        let caller = Caller {
            user_agent: Some(long.clone()),
            request_id: Some(long.clone()),
            ..Caller::default()
        };
        let user = User { subject: long.clone(), name: long.clone(), email: None };
        let draft = Draft::of(event).client(&ClientId::parsed(&long), &long).servers(&long);
        let draft = draft.actor(&user).target(&user).tool(Some(&long)).denied(&long).from(&caller);
        let line = serde_json::to_string(&draft.into_event()).unwrap();
        assert!(line.len() < 8_000, "{}", line.len());
    }
}
