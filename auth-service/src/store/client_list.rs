//! The list of clients with grants, by the latest of these.

use super::{Error, Key, Maintenance, Page, cursor::Cursor, key::Owner, listing::Walk};
use crate::model::{ClientId, Grant, Identifier, UnixTime};

/// A client with grants in a list.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct GrantedClient {
    /// The client id.
    pub id: ClientId,
    /// The display name in the latest grant.
    pub name: String,
    /// The number of grants. Some of them may have ended.
    pub grants: usize,
    /// The time of the latest grant.
    pub last_grant: UnixTime,
    /// The time at which an administrator refused the client.
    pub refused_since: Option<UnixTime>,
}

impl Maintenance {
    /// Lists up to `limit` clients with grants after `cursor`, that of the latest grant first. Removes the entries of
    /// those without grants.
    pub async fn granted_clients(
        &self,
        cursor: Option<Cursor>,
        (limit, now): (usize, UnixTime),
    ) -> Result<Page<GrantedClient>, Error> {
        let source = vec![("granted-clients".to_owned(), Key::GrantedClients.text())];
        let (mut walk, mut found) = (Walk::new(source, cursor), Vec::new());
        while let Some(entries) = walk.next(&self.records).await? {
            for batch in entries.chunks(limit) {
                for client in self.described(batch, now).await?.into_iter().flatten() {
                    found.push(client);
                    if found.len() >= limit {
                        let last = batch.iter().find(|(id, _)| {
                            found
                                .last()
                                .is_some_and(|client: &GrantedClient| client.id.as_str() == id)
                        });
                        let next = last.map(|last| walk.at(last.clone()));
                        return Ok(Page { entries: found, next });
                    }
                }
            }
        }
        Ok(Page { entries: found, next: None })
    }

    /// Returns the client with this id, or `None` if it has no grants.
    pub async fn granted_client(
        &self,
        id: &ClientId,
        now: UnixTime,
    ) -> Result<Option<GrantedClient>, Error> {
        let mut score = redis::cmd("ZSCORE");
        score.arg(Key::GrantedClients.text()).arg(id.as_str());
        let score: Option<f64> = score.query_async(&mut self.records.pool.get().await?).await?;
        let Some(score) = score else { return Ok(None) };
        Ok(self.described(&[(id.to_string(), score)], now).await?.into_iter().flatten().next())
    }

    async fn described(
        &self,
        clients: &[(String, f64)],
        now: UnixTime,
    ) -> Result<Vec<Option<GrantedClient>>, Error> {
        let mut connection = self.records.pool.get().await?;
        let mut pipe = redis::pipe();
        for (id, _) in clients {
            let index = Key::Grants(Owner::Client(&ClientId::parsed(id))).text();
            pipe.cmd("ZRANGE").arg(&index).arg(-1).arg(-1);
            pipe.cmd("ZCARD").arg(&index);
            pipe.cmd("ZSCORE").arg(Key::RefusedClients.text()).arg(id);
        }
        let answers: Vec<redis::Value> = pipe.query_async(&mut connection).await?;
        let mut counted = Vec::new();
        for answers in answers.chunks(3) {
            let of: (Vec<String>, usize, Option<i64>) =
                redis::from_redis_value(redis::Value::Array(answers.to_vec()))
                    .map_err(redis::RedisError::from)?;
            counted.push(of);
        }
        let latest = |ids: &Vec<String>| ids.first().cloned().unwrap_or_default();
        let keys =
            counted.iter().map(|(ids, ..)| Key::Grant(&Identifier::parsed(&latest(ids))).text());
        let texts = self.records.texts(&keys.collect::<Vec<_>>()).await?;
        let mut listed = Vec::new();
        for (((id, score), (_, grants, refused)), text) in clients.iter().zip(counted).zip(texts) {
            #[expect(clippy::cast_possible_truncation, reason = "scores of clients are seconds")]
            let last_grant = UnixTime(*score as i64);
            if grants == 0 {
                // The first grant of a client may be written right now.
                if last_grant.0 < now.0.saturating_sub(60) {
                    let mut remove = redis::cmd("ZREM");
                    remove.arg(Key::GrantedClients.text()).arg(id);
                    let () = remove.query_async(&mut connection).await?;
                }
                listed.push(None);
                continue;
            }
            let grant: Option<Grant> = text.and_then(|text| serde_json::from_str(&text).ok());
            listed.push(Some(GrantedClient {
                name: grant.map_or_else(|| id.clone(), |grant| grant.client_name),
                id: ClientId::parsed(id),
                grants,
                last_grant,
                refused_since: refused.map(UnixTime),
            }));
        }
        Ok(listed)
    }
}
