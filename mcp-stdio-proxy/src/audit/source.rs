//! The origin of a request, as events name it.

use std::sync::Arc;

use gateway_contract::agent::program;
use gateway_contract::audit::{Client, Event, Person};

/// The person and the client of a request, and the grant that it rests on.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// The subject.
    pub subject: Arc<str>,
    /// The login name, or nothing.
    pub name: String,
    /// The id of the client, or nothing.
    pub client: String,
    /// The display name of the client, or nothing.
    pub client_name: String,
    /// The hash of the grant's id.
    pub grant: Option<String>,
}

/// The origin of a request.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The person and the client, if there is a gateway.
    pub who: Option<Arc<Who>>,
    /// The address of the client.
    pub address: Option<String>,
    /// The `User-Agent`.
    pub user_agent: Option<String>,
    /// The request id.
    pub request: Option<String>,
}

impl Source {
    /// Adds the origin to an event.
    pub fn add_to<'a>(&'a self, event: &mut Event<'a>) {
        if let Some(who) = &self.who {
            event.actor = Some(Person { sub: (&*who.subject).into(), name: (&*who.name).into() });
            let client = || Client { id: (&*who.client).into(), name: (&*who.client_name).into() };
            event.client = (!who.client.is_empty()).then(client);
            event.grant = who.grant.as_deref().map(Into::into);
        }
        event.addr = self.address.as_deref().map(Into::into);
        event.agent = Some(program(self.user_agent.as_deref()).into());
        event.request = self.request.as_deref().map(Into::into);
    }
}
