//! The origin of a request, as recorded in audit events.

use std::net::IpAddr;
use std::sync::Arc;

use gateway_contract::audit::{Client, Event, Person};

/// The person, the client and the grant behind a request.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// The subject, an isolation key.
    pub subject: Arc<str>,
    /// The login name, or empty.
    pub name: String,
    /// The id of the client, or empty.
    pub client: String,
    /// The display name of the client, or empty.
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
    pub address: Option<IpAddr>,
    /// The kind of program, derived from its `User-Agent`.
    pub agent: &'static str,
    /// The request id of the gateway.
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
        event.addr = self.address.map(|address| address.to_string().into());
        event.agent = Some(self.agent.into());
        event.request = self.request.as_deref().map(Into::into);
    }
}
