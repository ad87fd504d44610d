//! What administration asks: listings by `SCAN`, never `KEYS`, and never on the request path.

use super::{Error, Expiring, Key, Store, key::PREFIX};
use crate::model::{AccessRecord, Client, ClientId, Grant, Identifier, UnixTime};

/// What to revoke.
#[derive(Clone, Debug)]
pub enum Selection {
    /// All grants of a person, by subject or login name.
    User(String),
    /// All grants to a client.
    Client(ClientId),
    /// One access token.
    Jti(Identifier),
    /// Everything.
    All,
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
        clients.sort_by_key(|client| (client.registration_token.is_some(), client.issued_at));
        Ok(clients)
    }

    /// Revokes what is selected; answers how many grants or tokens ended.
    pub async fn revoke(&self, what: &Selection, now: UnixTime) -> Result<usize, Error> {
        let mut ended = 0;
        if let Selection::Jti(jti) = what {
            let tokens: Vec<AccessRecord> = self.scan("access:*", now).await?;
            for token in tokens.iter().filter(|token| token.jti == *jti) {
                ended += usize::from(self.revoke_access(&token.grant, jti).await?);
            }
            return Ok(ended);
        }
        for grant in self.grants(now).await? {
            let selected = match what {
                Selection::User(user) => {
                    grant.user.subject == *user || grant.user.name.eq_ignore_ascii_case(user)
                }
                Selection::Client(client) => grant.client_id == *client,
                Selection::All => true,
                Selection::Jti(_) => false,
            };
            if selected {
                ended += usize::from(self.delete(&Key::Grant(&grant.id)).await?);
            }
        }
        Ok(ended)
    }

    async fn scan<T: serde::de::DeserializeOwned + Expiring>(
        &self,
        pattern: &str,
        now: UnixTime,
    ) -> Result<Vec<T>, Error> {
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
                    command.arg(keys).query_async(&mut connection).await?;
                for text in found.into_iter().flatten() {
                    let record: T = serde_json::from_str(&text)?;
                    if record.expires_at().is_none_or(|end| now < end) {
                        records.push(record);
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
