//! Listings for administration. They use `SCAN`, which unlike `KEYS` does not block Redis, and
//! never run on the path of an MCP request.

use super::{Error, Maintenance, Record, key::PREFIX};
use crate::model::{AccessRecord, Client, Grant, UnixTime};

/// The `COUNT` hint of a `SCAN` call.
const BATCH: usize = 500;

impl Maintenance {
    /// Lists all live access tokens, oldest first.
    pub async fn access_tokens(&self, now: UnixTime) -> Result<Vec<AccessRecord>, Error> {
        let grants = self.grants(now).await?;
        let mut tokens: Vec<AccessRecord> = self.scan(now).await?;
        tokens.retain(|token| grants.iter().any(|grant| grant.id == token.grant));
        tokens.sort_by_key(|token| token.issued_at);
        Ok(tokens)
    }

    /// Lists all live grants, oldest first.
    pub async fn grants(&self, now: UnixTime) -> Result<Vec<Grant>, Error> {
        let mut grants: Vec<Grant> = self.scan(now).await?;
        grants.sort_by_key(|grant| grant.created_at);
        Ok(grants)
    }

    /// Lists all client registrations, pre-registered ones first.
    pub async fn clients(&self, now: UnixTime) -> Result<Vec<Client>, Error> {
        let mut clients: Vec<Client> = self.scan(now).await?;
        clients.sort_by_key(|client| (!client.preregistered, client.issued_at));
        Ok(clients)
    }

    /// Reads all records of one kind that have not expired.
    async fn scan<T: Record>(&self, now: UnixTime) -> Result<Vec<T>, Error> {
        let mut records = Vec::new();
        for (_, text) in self.texts(&format!("{}:*", T::KIND)).await? {
            let record: T = serde_json::from_str(&text)?;
            if record.expires_at().is_none_or(|end| now < end) {
                records.push(record);
            }
        }
        Ok(records)
    }

    /// Reads the keys that match `pattern`, with their values. A key that exists throughout the
    /// scan is always included.
    pub(in crate::store) async fn texts(
        &self,
        pattern: &str,
    ) -> Result<Vec<(String, String)>, Error> {
        let mut connection = self.records.pool.get().await?;
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
