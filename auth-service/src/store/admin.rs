//! What administration asks: listings by `SCAN`, never `KEYS`, and never on the request path.

use super::{Error, Expiring, Key, Store, key::PREFIX};
use crate::model::{
    AccessRecord, ApprovalRecord, Client, ClientId, Grant, Identifier, SessionRecord, UnixTime,
    User,
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
    /// Everything.
    All,
}

impl Selection {
    /// Whether what `user` has, with `client` if it is a grant, is selected.
    fn includes(&self, user: &User, client: Option<&ClientId>) -> bool {
        match self {
            Self::User(name) => user.subject == *name || user.name.eq_ignore_ascii_case(name),
            Self::Client(id) => client == Some(id),
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
        // What was remembered goes first, so that nothing of it grants anew in between.
        for (key, session) in self.scan_with_keys::<SessionRecord>("session:*", now).await? {
            self.delete_if(what.includes(&session.user, None), &key).await?;
        }
        for (key, approval) in self.scan_with_keys::<ApprovalRecord>("approval:*", now).await? {
            self.delete_if(what.includes(&approval.user, Some(&approval.client_id)), &key).await?;
        }
        for grant in self.grants(now).await? {
            if what.includes(&grant.user, Some(&grant.client_id)) {
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
