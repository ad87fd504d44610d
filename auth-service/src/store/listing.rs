//! Lists of grants and clients, page by page, newest first. A page is found by index, and costs as much as
//! it has entries.

use super::{
    Error, Maintenance, Records,
    cursor::{Cursor, Scored},
    key::{Key, Owner, PREFIX},
    target::Target,
};
use crate::model::{
    AccessRecord, Client, ClientId, Grant, Identifier, LastUse, ResourceUri, UnixTime,
};

/// The number of index entries that are read at once.
const BATCH: usize = 250;

/// The grants to list. Without any condition, all of them.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only grants of this person, by subject or login name.
    pub user: Option<String>,
    /// Only grants of the person with exactly this subject.
    pub subject: Option<String>,
    /// Only grants to this client.
    pub client: Option<ClientId>,
    /// Only grants to other clients than this one.
    pub except_client: Option<ClientId>,
    /// Only grants that include this server.
    pub server: Option<ResourceUri>,
    /// Only grants made before this time.
    pub made_before: Option<UnixTime>,
    /// Only grants that were used at this time or later.
    pub used_since: Option<UnixTime>,
    /// Only grants that were neither used nor made at this time or later.
    pub unused_since: Option<UnixTime>,
}

impl Filter {
    /// Returns the indexes to read: those of the person if one is named, else those of the client, else
    /// those of the server.
    fn target(&self) -> Target {
        match self {
            Self { user: Some(user), .. } | Self { subject: Some(user), .. } => {
                Target::User(user.clone())
            }
            Self { client: Some(client), .. } => Target::Client(client.clone()),
            Self { server: Some(server), .. } => Target::Server(server.clone()),
            _ => Target::All,
        }
    }

    fn admits(&self, grant: &Grant) -> bool {
        self.subject.as_ref().is_none_or(|subject| grant.user.subject == *subject)
            && self.client.as_ref().is_none_or(|client| grant.client_id == *client)
            && self.except_client.as_ref().is_none_or(|client| grant.client_id != *client)
            && self.server.as_ref().is_none_or(|server| grant.resources.contains(server))
            && self.made_before.is_none_or(|moment| grant.created_at < moment)
    }

    fn admits_use(&self, grant: &Grant, last: Option<&LastUse>) -> bool {
        let used = last.map(|last| last.at);
        self.used_since.is_none_or(|since| used.is_some_and(|used| used >= since))
            && self.unused_since.is_none_or(|since| used.unwrap_or(grant.created_at) < since)
    }
}

/// A grant in a list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ListedGrant {
    /// The grant.
    #[serde(flatten)]
    pub grant: Grant,
    /// Its access tokens that have not expired, by expiry.
    pub tokens: Vec<AccessRecord>,
    /// Its last use, if that is known.
    pub last_use: Option<LastUse>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// The position of the next page. Absent at the end of the list.
    pub next: Option<Cursor>,
}

impl Maintenance {
    /// Lists up to `limit` grants after `cursor`, newest first.
    pub async fn grants(
        &self,
        filter: &Filter,
        cursor: Option<Cursor>,
        (limit, now): (usize, UnixTime),
    ) -> Result<Page<ListedGrant>, Error> {
        let shared = Key::Grants(Owner::Day(0)).text().len() - "day:0".len();
        let indexes = self.records.grant_indexes(&filter.target()).await?;
        let sources =
            indexes.into_iter().map(|key| (key.get(shared..).unwrap_or("").to_owned(), key));
        let mut walk = Walk::new(sources.collect(), cursor);
        let mut found = Vec::new();
        while let Some(entries) = walk.next(&self.records).await? {
            // Boxed, as below, to keep the futures of the callers small.
            let grants = self.records.live_grants(walk.key(), &entries, now);
            let grants = Box::pin(grants).await?;
            let admitted = |grant: Option<Grant>| grant.filter(|one| filter.admits(one));
            let grants: Vec<Option<Grant>> = grants.into_iter().map(admitted).collect();
            let named = grants.iter().flatten().map(|one| (&*one.user.subject, &one.id));
            let mut uses = self.records.uses(named).await?.into_iter();
            for (entry, grant) in entries.into_iter().zip(grants) {
                let Some(grant) = grant else { continue };
                let last = uses.next().flatten();
                if !filter.admits_use(&grant, last.as_ref()) {
                    continue;
                }
                found.push((grant, last));
                if found.len() >= limit {
                    let next = Some(walk.at(entry));
                    let entries = Box::pin(self.records.with_tokens(found, now)).await?;
                    return Ok(Page { entries, next });
                }
            }
        }
        let entries = Box::pin(self.records.with_tokens(found, now)).await?;
        Ok(Page { entries, next: None })
    }

    /// Lists up to `limit` client registrations after `cursor`: those of the operator, then those in use,
    /// then the others.
    pub async fn clients(
        &self,
        cursor: Option<Cursor>,
        (limit, now): (usize, UnixTime),
    ) -> Result<Page<Client>, Error> {
        let sources = [Key::OperatorClients, Key::Clients, Key::UnusedClients].map(|key| {
            let key = key.text();
            (key.strip_prefix(PREFIX).unwrap_or("").to_owned(), key)
        });
        let mut walk = Walk::new(sources.to_vec(), cursor);
        let mut found = Vec::new();
        while let Some(entries) = walk.next(&self.records).await? {
            let keys = entries.iter().map(|(id, _)| Key::Client(&ClientId::parsed(id)).text());
            let texts = self.records.texts(&keys.collect::<Vec<_>>()).await?;
            for (entry, text) in entries.into_iter().zip(texts) {
                let Some(text) = text else { continue };
                let client: Client = serde_json::from_str(&text)?;
                if client.expires_at.is_some_and(|end| end <= now) {
                    continue;
                }
                found.push(client);
                if found.len() >= limit {
                    return Ok(Page { entries: found, next: Some(walk.at(entry)) });
                }
            }
        }
        Ok(Page { entries: found, next: None })
    }

    /// Returns the number of grants in the index of a server. Some of them may have ended.
    pub async fn grants_to(&self, server: &ResourceUri) -> Result<usize, Error> {
        self.records.entries_of(&Target::Server(server.clone())).await
    }

    /// Returns `true` once all records have been indexed, so that lists are complete.
    pub async fn is_indexed(&self) -> Result<bool, Error> {
        self.records.exists(&Key::Indexed).await
    }
}

/// A walk through the sorted sets of a list.
pub(super) struct Walk {
    /// The name and the key of each set.
    sources: Vec<(String, String)>,
    at: usize,
    after: Option<Cursor>,
}

impl Walk {
    pub(super) fn new(sources: Vec<(String, String)>, cursor: Option<Cursor>) -> Self {
        let Some(cursor) = cursor else { return Self { sources, at: 0, after: None } };
        if let Some(at) = sources.iter().position(|(name, _)| *name == cursor.source) {
            return Self { sources, at, after: Some(cursor) };
        }
        // The set is gone. Of days, go on with the one before it.
        let day = |name: &str| name.strip_prefix("day:").and_then(|day| day.parse::<i64>().ok());
        let is_next = |name: &str| day(name).zip(day(&cursor.source)).is_some_and(|(a, b)| a < b);
        let at = sources.iter().position(|(name, _)| is_next(name)).unwrap_or(sources.len());
        Self { sources, at, after: None }
    }

    /// Reads the next entries, of one set. Returns `None` at the end.
    pub(super) async fn next(&mut self, records: &Records) -> Result<Option<Vec<Scored>>, Error> {
        while let Some((_, key)) = self.sources.get(self.at) {
            let entries = records.entries_after(key, self.after.as_ref(), BATCH).await?;
            if let Some(last) = entries.last() {
                self.after = Some(self.at(last.clone()));
                return Ok(Some(entries));
            }
            self.after = None;
            self.at += 1;
        }
        Ok(None)
    }

    /// Returns the key of the current set.
    fn key(&self) -> &str {
        self.sources.get(self.at).map_or("", |(_, key)| key)
    }

    /// Returns the position after `entry` of the current set.
    pub(super) fn at(&self, (member, score): Scored) -> Cursor {
        let source = self.sources.get(self.at).map(|(name, _)| name.clone()).unwrap_or_default();
        Cursor { source, score, member }
    }
}

impl Records {
    /// Reads the grants of index entries. Those that are gone, expired or revoked are absent; entries of
    /// those that are gone are trimmed.
    async fn live_grants(
        &self,
        index: &str,
        entries: &[Scored],
        now: UnixTime,
    ) -> Result<Vec<Option<Grant>>, Error> {
        let keys = entries.iter().map(|(id, _)| Key::Grant(&Identifier::parsed(id)).text());
        let texts = self.texts(&keys.collect::<Vec<_>>()).await?;
        let gone = entries.iter().zip(&texts).filter(|(_, text)| text.is_none());
        #[expect(clippy::cast_possible_truncation, reason = "scores of grants are seconds")]
        let gone: Vec<_> = gone.map(|((id, created), _)| (id.clone(), *created as i64)).collect();
        if !gone.is_empty() {
            self.trim(vec![(index.to_owned(), gone)], now).await;
        }
        let read = |((id, _), text): (&Scored, Option<String>)| {
            let grant = serde_json::from_str(&text?).inspect_err(|error| {
                log::error!("grant {id} is not listed because it cannot be decoded: {error}");
            });
            grant.ok().filter(|grant: &Grant| now < grant.expires_at)
        };
        let grants = entries.iter().zip(texts).map(read).collect();
        self.unless_any_revoked(grants).await
    }

    async fn with_tokens(
        &self,
        grants: Vec<(Grant, Option<LastUse>)>,
        now: UnixTime,
    ) -> Result<Vec<ListedGrant>, Error> {
        if grants.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        for (grant, _) in &grants {
            let index = Key::Tokens(&grant.id).text();
            pipe.cmd("ZRANGE").arg(index).arg(now.0).arg("+inf").arg("BYSCORE");
        }
        let tokens: Vec<Vec<String>> = pipe.query_async(&mut self.pool.get().await?).await?;
        let keys: Vec<String> = grants
            .iter()
            .zip(&tokens)
            .flat_map(|((grant, _), jtis)| {
                jtis.iter().map(|jti| Key::Access(&grant.id, &Identifier::parsed(jti)).text())
            })
            .collect();
        let mut texts = self.texts(&keys).await?.into_iter();
        let mut listed = Vec::new();
        for ((grant, last_use), jtis) in grants.into_iter().zip(tokens) {
            let mut tokens = Vec::new();
            for text in texts.by_ref().take(jtis.len()).flatten() {
                let token: AccessRecord = serde_json::from_str(&text)?;
                tokens.extend((now < token.expires_at).then_some(token));
            }
            listed.push(ListedGrant { grant, tokens, last_use });
        }
        Ok(listed)
    }
}
