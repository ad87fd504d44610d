//! Read-only access to the Redis records of mcp-oauth-gateway of 2025 (mcp-oauth-dynamicclient):
//! `oauth:client:ID`, `oauth:refresh:TOKEN` and `oauth:token:JTI`, with credentials in the clear.

use super::{Error, Store};

/// A record of the predecessor.
pub struct OldRecord {
    /// The last part of the key. For a refresh token, this is the token itself.
    pub id: String,
    /// The record as JSON.
    pub text: String,
    /// The remaining lifetime in seconds. Absent if the record never expires.
    pub left: Option<u64>,
}

impl Store {
    /// Reads all records of one kind: `client` or `refresh`.
    pub async fn old_records(&self, kind: &str) -> Result<Vec<OldRecord>, Error> {
        let prefix = format!("oauth:{kind}:");
        let mut connection = self.pool.get().await?;
        let mut records = Vec::new();
        for key in self.old_keys(kind).await? {
            let mut pipe = redis::pipe();
            pipe.atomic().cmd("GET").arg(&key).cmd("TTL").arg(&key);
            let (text, left): (Option<String>, i64) = pipe.query_async(&mut connection).await?;
            let (Some(text), Some(id)) = (text, key.strip_prefix(&prefix)) else { continue };
            records.push(OldRecord { id: id.to_owned(), text, left: u64::try_from(left).ok() });
        }
        Ok(records)
    }

    /// Lists the keys of one kind, sorted and without duplicates.
    pub async fn old_keys(&self, kind: &str) -> Result<Vec<String>, Error> {
        let mut connection = self.pool.get().await?;
        let (mut all, mut cursor) = (std::collections::BTreeSet::new(), 0_u64);
        loop {
            let mut command = redis::cmd("SCAN");
            command.arg(cursor).arg("MATCH").arg(format!("oauth:{kind}:*")).arg("COUNT").arg(500);
            let (next, keys): (u64, Vec<String>) = command.query_async(&mut connection).await?;
            all.extend(keys);
            cursor = next;
            if cursor == 0 {
                return Ok(all.into_iter().collect());
            }
        }
    }
}
