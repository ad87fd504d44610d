//! What administration asks: listings by `SCAN`, never `KEYS`, and never on the request path.

use super::{Error, Expiring, Key, Store, key::PREFIX, tracking::LEASE};
use crate::model::{
    AccessRecord, ApprovalRecord, AuthorizationRequest, CLIENT_PROVIDER, Client, ClientId,
    CodeRecord, DeviceDecision, DeviceRecord, Grant, Identifier, ResourceUri, SessionRecord,
    UnixTime, User,
};

/// What to revoke.
#[derive(Clone, Debug)]
pub enum Selection {
    /// All grants of a person, by subject or login name.
    User(String),
    /// All grants to a client.
    Client(ClientId),
    /// One access token.
    Jti(Identifier),
    /// All grants that reach this server.
    Server(ResourceUri),
    /// All grants that are older, and every login and consent.
    Before(UnixTime),
    /// Everything.
    All,
}

/// What a person has, or a device asks for: a login, a consent, a grant.
#[derive(Default)]
struct Held<'a> {
    user: Option<&'a User>,
    client: Option<&'a ClientId>,
    resources: &'a [ResourceUri],
    /// Without it, it may be as old as any.
    since: Option<UnixTime>,
}

impl<'a> Held<'a> {
    fn by(user: &'a User) -> Self {
        Self { user: Some(user), ..Self::default() }
    }

    fn asked(request: &'a AuthorizationRequest) -> Self {
        let (client, resources) = (Some(&request.client_id), &*request.resources);
        Self { client, resources, ..Self::default() }
    }
}

impl Selection {
    fn includes(&self, held: &Held<'_>) -> bool {
        match self {
            Self::User(name) => held.user.is_some_and(|user| {
                // The name of a client that acts for itself is not one of a person.
                let person = user.person().provider() != CLIENT_PROVIDER;
                user.subject == *name || person && user.name.eq_ignore_ascii_case(name)
            }),
            Self::Client(id) => held.client == Some(id),
            Self::Server(resource) => held.resources.contains(resource),
            Self::Before(moment) => held.since.is_none_or(|since| since < *moment),
            Self::All => true,
            Self::Jti(_) => false,
        }
    }
}

impl Store {
    /// All access tokens that are still live.
    pub async fn access_tokens(&self, now: UnixTime) -> Result<Vec<AccessRecord>, Error> {
        let grants = self.grants(now).await?;
        let mut tokens: Vec<AccessRecord> = self.scan("access:*", now).await?;
        tokens.retain(|token| grants.iter().any(|grant| grant.id == token.grant));
        tokens.sort_by_key(|token| token.issued_at);
        Ok(tokens)
    }

    /// All grants that are still live.
    pub async fn grants(&self, now: UnixTime) -> Result<Vec<Grant>, Error> {
        let mut grants: Vec<Grant> = self.scan("grant:*", now).await?;
        grants.sort_by_key(|grant| grant.created_at);
        Ok(grants)
    }

    /// All registrations, those of the operator first.
    pub async fn clients(&self, now: UnixTime) -> Result<Vec<Client>, Error> {
        let mut clients: Vec<Client> = self.scan("client:*", now).await?;
        clients.sort_by_key(|client| (!client.preregistered, client.issued_at));
        Ok(clients)
    }

    /// Revokes what is selected; answers how many grants or tokens ended.
    pub async fn revoke(&self, what: &Selection, now: UnixTime) -> Result<usize, Error> {
        let ended = self.end(what, now).await?;
        // The instances that serve are told at the same moment as we. One whose link swallows the
        // word takes silence for none no longer than this, so that none lets anything in now.
        tokio::time::sleep(LEASE).await;
        Ok(ended)
    }

    async fn end(&self, what: &Selection, now: UnixTime) -> Result<usize, Error> {
        let mut ended = 0;
        if let Selection::Jti(jti) = what {
            let tokens: Vec<AccessRecord> = self.scan("access:*", now).await?;
            for token in tokens.iter().filter(|token| token.jti == *jti) {
                ended += usize::from(self.revoke_access(&token.grant, jti).await?);
            }
            return Ok(ended);
        }
        // What becomes a grant without being asked for anew goes before the grants.
        for (key, session) in self.scan_with_keys::<SessionRecord>("session:*", now).await? {
            self.delete_if(what.includes(&Held::by(&session.user)), &key).await?;
        }
        for (key, approval) in self.scan_with_keys::<ApprovalRecord>("approval:*", now).await? {
            let held = Held { client: Some(&approval.client_id), ..Held::by(&approval.user) };
            self.delete_if(what.includes(&held), &key).await?;
        }
        for (key, device) in self.scan_with_keys::<DeviceRecord>("device:*", now).await? {
            self.delete_if(what.includes(&Held::asked(&device.request)), &key).await?;
        }
        let decisions = self.scan_with_keys::<DeviceDecision>("device-decision:*", now).await?;
        for (key, decision) in decisions {
            let held = Held { user: decision.user.as_ref(), ..Held::default() };
            self.delete_if(what.includes(&held), &key).await?;
        }
        for (key, code) in self.scan_with_keys::<CodeRecord>("code:*", now).await? {
            let held = Held { user: Some(&code.user), ..Held::asked(&code.request) };
            self.delete_if(what.includes(&held), &key).await?;
        }
        for grant in self.grants(now).await? {
            let held = Held {
                client: Some(&grant.client_id),
                resources: &grant.resources,
                since: Some(grant.created_at),
                ..Held::by(&grant.user)
            };
            if what.includes(&held) {
                ended += usize::from(self.delete(&Key::Grant(&grant.id)).await?);
            }
        }
        Ok(ended)
    }

    async fn delete_if(&self, selected: bool, key: &str) -> Result<(), Error> {
        if selected {
            redis::cmd("DEL").arg(key).exec_async(&mut self.pool.get().await?).await?;
        }
        Ok(())
    }

    async fn scan<T: serde::de::DeserializeOwned + Expiring>(
        &self,
        pattern: &str,
        now: UnixTime,
    ) -> Result<Vec<T>, Error> {
        let found = self.scan_with_keys(pattern, now).await?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    async fn scan_with_keys<T: serde::de::DeserializeOwned + Expiring>(
        &self,
        pattern: &str,
        now: UnixTime,
    ) -> Result<Vec<(String, T)>, Error> {
        let mut connection = self.pool.get().await?;
        let mut records = Vec::new();
        let mut cursor: u64 = 0;
        loop {
            let mut command = redis::cmd("SCAN");
            command.arg(cursor).arg("MATCH").arg(format!("{PREFIX}{pattern}"));
            command.arg("COUNT").arg(500);
            let (next, keys): (u64, Vec<String>) = command.query_async(&mut connection).await?;
            if !keys.is_empty() {
                let mut command = redis::cmd("MGET");
                let found: Vec<Option<String>> =
                    command.arg(&keys).query_async(&mut connection).await?;
                for (key, text) in keys.into_iter().zip(found) {
                    let Some(text) = text else { continue };
                    let record: T = serde_json::from_str(&text)?;
                    if record.expires_at().is_none_or(|end| now < end) {
                        records.push((key, record));
                    }
                }
            }
            cursor = next;
            if cursor == 0 {
                return Ok(records);
            }
        }
    }
}
