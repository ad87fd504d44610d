//! What administration asks: listings by `SCAN`, never `KEYS`, and never on the request path.

use super::{Error, Expiring, Key, Store, key::PREFIX};
use crate::model::{
    AccessRecord, ApprovalRecord, CLIENT_PROVIDER, Client, ClientId, Grant, Identifier,
    ResourceUri, SessionRecord, UnixTime, User,
};

/// How long word of a revocation may take to the instances that serve.
const REACH: std::time::Duration = std::time::Duration::from_millis(10);

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
    /// All grants that are older.
    Before(UnixTime),
    /// Everything.
    All,
}

/// What a person has: a login, a remembered consent, a grant.
struct Held<'a> {
    user: &'a User,
    client: Option<&'a ClientId>,
    resources: &'a [ResourceUri],
    since: Option<UnixTime>,
}

impl<'a> Held<'a> {
    fn by(user: &'a User) -> Self {
        Self { user, client: None, resources: &[], since: None }
    }
}

impl Selection {
    fn includes(&self, held: &Held<'_>) -> bool {
        match self {
            Self::User(name) => {
                // The name of a client that acts for itself is not one of a person.
                let person = held.user.person().provider() != CLIENT_PROVIDER;
                held.user.subject == *name || person && held.user.name.eq_ignore_ascii_case(name)
            }
            Self::Client(id) => held.client == Some(id),
            Self::Server(resource) => held.resources.contains(resource),
            Self::Before(moment) => held.since.is_some_and(|since| since < *moment),
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
        // The instances that serve are told at the same moment as we; by now they have heard.
        tokio::time::sleep(REACH).await;
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
        // What was remembered goes first, so that nothing of it grants anew in between.
        for (key, session) in self.scan_with_keys::<SessionRecord>("session:*", now).await? {
            self.delete_if(what.includes(&Held::by(&session.user)), &key).await?;
        }
        for (key, approval) in self.scan_with_keys::<ApprovalRecord>("approval:*", now).await? {
            let held = Held { client: Some(&approval.client_id), ..Held::by(&approval.user) };
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
