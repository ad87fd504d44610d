//! Revocation of grants, and of all records that could become a grant. The selected records are
//! found by `SCAN`, which never runs on the path of an MCP request.

use super::{
    Error, Maintenance, Record, key::PREFIX, logins::LoginCodeRecord, tracking::INVALIDATION_LEASE,
};
use crate::model::{
    AccessRecord, AnswerRecord, AuthorizationRequest, CLIENT_PROVIDER, ClientId, CodeRecord,
    ConsentRecord, DeviceDecision, DeviceRecord, Grant, Identifier, ResourceUri, SessionRecord,
    UnixTime, User,
};

/// The selection of records to revoke.
#[derive(Clone, Debug)]
pub enum Selection {
    /// All grants and logins of a person, by subject or login name.
    User(String),
    /// All grants of a client.
    Client(ClientId),
    /// All grants that a person gave to one client.
    UserAtClient(String, ClientId),
    /// One grant, by its id.
    Grant(Identifier),
    /// One access token, by its `jti`.
    Jti(Identifier),
    /// All grants that include access to this server.
    Server(ResourceUri),
    /// All grants from before this time, and all logins, consents, codes and pending requests of
    /// any age.
    Before(UnixTime),
    /// All grants and all other revocable records.
    All,
}

/// The result of a revocation, as numbers of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The number of revoked grants, or of access tokens if one was selected.
    pub grants: usize,
    /// The number of deleted logins, consents, codes and pending requests.
    pub beside: usize,
    /// The number of records that cannot be decoded. They were not revoked and may still be valid.
    pub unreadable: usize,
}

/// The fields of a record that a selection is matched against.
#[derive(Default)]
struct Held<'a> {
    user: Option<&'a User>,
    client: Option<&'a ClientId>,
    resources: &'a [ResourceUri],
    jti: Option<&'a Identifier>,
    grant: Option<&'a Identifier>,
    /// The time of creation. A record without one matches every `Selection::Before`.
    since: Option<UnixTime>,
}

impl<'a> Held<'a> {
    fn by(user: &'a User) -> Self {
        Self { user: Some(user), ..Self::default() }
    }

    /// Returns `true` if the record belongs to the person with this subject or login name.
    fn is_of(&self, name: &str) -> bool {
        self.user.is_some_and(|user| {
            // A client that acts on its own behalf has a name, too, but that is not a login name.
            let person = user.person().provider() != CLIENT_PROVIDER;
            user.subject == name || person && user.name.eq_ignore_ascii_case(name)
        })
    }

    fn asked(request: &'a AuthorizationRequest) -> Self {
        let (client, resources) = (Some(&request.client_id), &*request.resources);
        Self { client, resources, ..Self::default() }
    }
}

impl Selection {
    fn includes(&self, held: &Held<'_>) -> bool {
        match self {
            Self::User(name) => held.is_of(name),
            // The record of a denied device authorization does not contain the client.
            Self::UserAtClient(name, id) => {
                held.is_of(name) && held.client.is_none_or(|client| client == id)
            }
            Self::Grant(id) => held.grant == Some(id),
            Self::Client(id) => held.client == Some(id),
            Self::Server(resource) => held.resources.contains(resource),
            Self::Before(moment) => held.since.is_none_or(|since| since < *moment),
            Self::All => true,
            Self::Jti(jti) => held.jti == Some(jti),
        }
    }

    /// Returns `true` if the selection can end logins. One grant, or the grants of a person to one
    /// client, can be revoked without logging the person out.
    const fn ends_logins(&self) -> bool {
        !matches!(self, Self::UserAtClient(..) | Self::Grant(_))
    }
}

/// A kind of record that can be revoked.
trait Revocable: Record {
    /// The kind of a second record with the same name, which is deleted together with this one.
    const WITH: Option<&str> = None;
    /// `true` if the proxies are notified of the revocation.
    const IS_TOLD: bool = false;

    fn held(&self) -> Held<'_>;
}

impl Revocable for SessionRecord {
    fn held(&self) -> Held<'_> {
        Held::by(&self.user)
    }
}

impl Revocable for ConsentRecord {
    fn held(&self) -> Held<'_> {
        let (client, resources) = (Some(&self.client_id), self.resource.as_slice());
        Held { client, resources, ..Held::by(&self.user) }
    }
}

impl Revocable for AnswerRecord {
    fn held(&self) -> Held<'_> {
        Held { user: Some(&self.user), ..Held::asked(&self.request) }
    }
}

impl Revocable for LoginCodeRecord {
    fn held(&self) -> Held<'_> {
        Held::by(&self.user)
    }
}

impl Revocable for DeviceRecord {
    const WITH: Option<&str> = Some("device-decision");

    fn held(&self) -> Held<'_> {
        Held::asked(&self.request)
    }
}

impl Revocable for DeviceDecision {
    const WITH: Option<&str> = Some("device");

    fn held(&self) -> Held<'_> {
        let asked = self.request.as_ref().map(Held::asked);
        Held { user: self.user.as_ref(), ..asked.unwrap_or_default() }
    }
}

impl Revocable for CodeRecord {
    fn held(&self) -> Held<'_> {
        Held { user: Some(&self.user), grant: Some(&self.grant), ..Held::asked(&self.request) }
    }
}

impl Revocable for Grant {
    const IS_TOLD: bool = true;

    fn held(&self) -> Held<'_> {
        Held {
            user: Some(&self.user),
            client: Some(&self.client_id),
            resources: &self.resources,
            grant: Some(&self.id),
            since: Some(self.created_at),
            ..Held::default()
        }
    }
}

impl Revocable for AccessRecord {
    const IS_TOLD: bool = true;

    fn held(&self) -> Held<'_> {
        Held { jti: Some(&self.jti), ..Held::default() }
    }
}

/// A revocation in progress.
struct Sweep<'a> {
    store: &'a Maintenance,
    what: &'a Selection,
    now: UnixTime,
    unreadable: usize,
}

impl Sweep<'_> {
    /// Deletes the selected records of one kind. Returns the number of those that had not expired.
    async fn end<T: Revocable>(&mut self) -> Result<usize, Error> {
        let mut ended = 0;
        for (key, text) in self.store.texts(&format!("{}:*", T::KIND)).await? {
            let (selected, counts) = match serde_json::from_str::<T>(&text) {
                Ok(record) => {
                    let counts = record.expires_at().is_none_or(|end| self.now < end);
                    (self.what.includes(&record.held()), counts)
                }
                Err(_) if matches!(self.what, Selection::All) => (true, true),
                Err(error) => {
                    // One bad record must not prevent the revocation of the others.
                    log::error!("{key} was not revoked because it cannot be decoded: {error}");
                    self.unreadable += 1;
                    (false, false)
                }
            };
            // Delete expired records as well: by the clock of another instance, they may still be
            // valid.
            if selected && self.delete::<T>(key).await? && counts {
                ended += 1;
            }
        }
        Ok(ended)
    }

    async fn delete<T: Revocable>(&self, key: String) -> Result<bool, Error> {
        let with = T::WITH.and_then(|kind| {
            let name = key.strip_prefix(PREFIX)?.strip_prefix(T::KIND)?;
            Some([PREFIX, kind, name].concat())
        });
        if T::IS_TOLD {
            return self.store.grants.end_record(&key, &id_of(&key)).await;
        }
        let mut command = redis::cmd("DEL");
        command.arg(&key).arg(with);
        let count: usize = command.query_async(&mut self.store.records.pool.get().await?).await?;
        Ok(count > 0)
    }
}

/// Returns the id of a grant or an access token from the end of its key, which works even if the
/// record cannot be decoded.
fn id_of(key: &str) -> Identifier {
    let id = key.rsplit(':').next().unwrap_or_default();
    Identifier::parsed(id.trim_start_matches('{').trim_end_matches('}'))
}

impl Maintenance {
    /// Revokes the selected records. A consent that is given concurrently counts as given
    /// afterwards, unless it depends on a revoked record.
    pub async fn revoke(&self, what: &Selection, now: UnixTime) -> Result<Ended, Error> {
        let ended = self.end(what, now).await;
        // Other instances receive the invalidation at about the same time. One whose connection
        // drops it silently loses its lease within this time, so no instance accepts a revoked
        // token after that.
        tokio::time::sleep(INVALIDATION_LEASE).await;
        ended
    }

    async fn end(&self, what: &Selection, now: UnixTime) -> Result<Ended, Error> {
        let mut sweep = Sweep { store: self, what, now, unreadable: 0 };
        let mut ended = Ended::default();
        if matches!(what, Selection::Jti(_)) {
            ended.grants = sweep.end::<AccessRecord>().await?;
        } else {
            // Delete each kind before the kind that it turns into. The code that creates a record
            // checks afterwards that its origin still exists. So either the new record is found
            // here, or its creator finds that the origin is gone, or finds the marker.
            self.grants.mark_revocation(what).await?;
            if what.ends_logins() {
                ended.beside =
                    sweep.end::<LoginCodeRecord>().await? + sweep.end::<SessionRecord>().await?;
            }
            ended.beside += sweep.end::<ConsentRecord>().await?
                + sweep.end::<DeviceRecord>().await?
                + sweep.end::<DeviceDecision>().await?
                + sweep.end::<CodeRecord>().await?;
            ended.grants = sweep.end::<Grant>().await?;
            // The codes and logins in a recorded outcome have ended by now. It is deleted so that
            // it is not repeated.
            sweep.end::<AnswerRecord>().await?;
        }
        ended.unreadable = sweep.unreadable;
        Ok(ended)
    }
}
