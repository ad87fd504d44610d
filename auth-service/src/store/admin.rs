//! What administration lists: by `SCAN`, never `KEYS`, and never on the path of an MCP request.

use serde::de::DeserializeOwned;

use super::{Error, Expiring, Store, key::PREFIX};
use crate::model::{AccessRecord, Client, Grant, UnixTime};

/// Keys at a time.
const BATCH: usize = 500;

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

    pub(super) async fn scan<T: DeserializeOwned + Expiring>(
        &self,
        pattern: &str,
        now: UnixTime,
    ) -> Result<Vec<T>, Error> {
        let mut records = Vec::new();
        for (_, text) in self.texts(pattern).await? {
            let record: T = serde_json::from_str(&text)?;
            if record.expires_at().is_none_or(|end| now < end) {
                records.push(record);
            }
        }
        Ok(records)
    }

    /// The keys of `pattern` and what they hold. What is there all the while is among them.
    pub(super) async fn texts(&self, pattern: &str) -> Result<Vec<(String, String)>, Error> {
        let mut connection = self.pool.get().await?;
        let mut texts = Vec::new();
        let mut cursor: u64 = 0;
        loop {
            let mut command = redis::cmd("SCAN");
            command.arg(cursor).arg("MATCH").arg(format!("{PREFIX}{pattern}"));
            command.arg("COUNT").arg(BATCH);
            let (next, keys): (u64, Vec<String>) = command.query_async(&mut connection).await?;
            if !keys.is_empty() {
                let mut command = redis::cmd("MGET");
                let found: Vec<Option<String>> =
                    command.arg(&keys).query_async(&mut connection).await?;
                texts.extend(keys.into_iter().zip(found).filter_map(|(k, text)| Some((k, text?))));
            }
            cursor = next;
            if cursor == 0 {
                return Ok(texts);
            }
        }
    }
}
