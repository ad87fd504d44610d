//! What mcp-oauth-gateway of 2025 (mcp-oauth-dynamicclient) kept in Redis: `oauth:client:ID`,
//! `oauth:refresh:TOKEN` and `oauth:token:JTI`, credentials in clear. Only read.

use super::{Error, Store};

/// A record: what its key ends with, its JSON, and the seconds it has left.
pub struct OldRecord {
    /// The last part of the key; of a refresh token, the token.
    pub id: String,
    /// The JSON.
    pub text: String,
    /// The seconds it has left; for ever, if absent.
    pub left: Option<u64>,
}

impl Store {
    /// All records of one kind: `client`, `refresh`.
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

    /// The keys of one kind, in order.
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
