//! Ends what was granted, and what would become a grant. What is selected is looked for by `SCAN`,
//! never on the path of an MCP request.

use serde::de::DeserializeOwned;

use super::{Error, Expiring, Store, key::PREFIX, logins::LoginCodeRecord, tracking::LEASE};
use crate::model::{
    AccessRecord, AnswerRecord, ApprovalRecord, AuthorizationRequest, CLIENT_PROVIDER, ClientId,
    CodeRecord, DeviceDecision, DeviceRecord, Grant, Identifier, ResourceUri, SessionRecord,
    UnixTime, User,
};

/// What to revoke.
#[derive(Clone, Debug)]
pub enum Selection {
    /// All grants of a person, by subject or login name.
    User(String),
    /// All grants to a client.
    Client(ClientId),
    /// The grants of a person to one client.
    UserAtClient(String, ClientId),
    /// One grant.
    Grant(Identifier),
    /// One access token.
    Jti(Identifier),
    /// All grants that reach this server.
    Server(ResourceUri),
    /// All grants that are older, and whatever else ends with grants, of any age.
    Before(UnixTime),
    /// Everything.
    All,
}

/// What came of a revocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Grants; or access tokens, if one was selected.
    pub grants: usize,
    /// Logins, consents, codes and requests under way.
    pub beside: usize,
    /// What cannot be read, and may be still in force.
    pub unreadable: usize,
}

/// What a record says of whom and what it is for.
#[derive(Default)]
struct Held<'a> {
    user: Option<&'a User>,
    client: Option<&'a ClientId>,
    resources: &'a [ResourceUri],
    jti: Option<&'a Identifier>,
    grant: Option<&'a Identifier>,
    /// Without it, it may be as old as any.
    since: Option<UnixTime>,
}

impl<'a> Held<'a> {
    fn by(user: &'a User) -> Self {
        Self { user: Some(user), ..Self::default() }
    }

    /// Returns `true` if it is of the person with that subject or login name.
    fn is_of(&self, name: &str) -> bool {
        self.user.is_some_and(|user| {
            // The name of a client that acts for itself is not one of a person.
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
            // A refusal of a device does not say for which client it was.
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

    /// Returns `true` if it ends logins as well: all but what is about one client or one grant.
    const fn ends_logins(&self) -> bool {
        !matches!(self, Self::UserAtClient(..) | Self::Grant(_))
    }
}

/// A kind of record that a revocation may end.
trait Revocable: DeserializeOwned + Expiring {
    /// The kind, as keys name it.
    const KIND: &str;
    /// The kind of the record under the same name that goes with it.
    const WITH: Option<&str> = None;
    /// Whether the proxies are told of its end.
    const IS_TOLD: bool = false;

    fn held(&self) -> Held<'_>;
}

impl Revocable for SessionRecord {
    const KIND: &str = "session";

    fn held(&self) -> Held<'_> {
        Held::by(&self.user)
    }
}

impl Revocable for ApprovalRecord {
    const KIND: &str = "approval";

    fn held(&self) -> Held<'_> {
        let (client, resources) = (Some(&self.client_id), self.resource.as_slice());
        Held { client, resources, ..Held::by(&self.user) }
    }
}

impl Revocable for AnswerRecord {
    const KIND: &str = "answer";

    fn held(&self) -> Held<'_> {
        Held { user: Some(&self.user), ..Held::asked(&self.request) }
    }
}

impl Revocable for LoginCodeRecord {
    const KIND: &str = "login-code";

    fn held(&self) -> Held<'_> {
        Held::by(&self.user)
    }
}

impl Revocable for DeviceRecord {
    const KIND: &str = "device";
    const WITH: Option<&str> = Some("device-decision");

    fn held(&self) -> Held<'_> {
        Held::asked(&self.request)
    }
}

impl Revocable for DeviceDecision {
    const KIND: &str = "device-decision";
    const WITH: Option<&str> = Some("device");

    fn held(&self) -> Held<'_> {
        let asked = self.request.as_ref().map(Held::asked);
        Held { user: self.user.as_ref(), ..asked.unwrap_or_default() }
    }
}

impl Revocable for CodeRecord {
    const KIND: &str = "code";

    fn held(&self) -> Held<'_> {
        Held { user: Some(&self.user), grant: Some(&self.grant), ..Held::asked(&self.request) }
    }
}

impl Revocable for Grant {
    const KIND: &str = "grant";
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
    const KIND: &str = "access";
    const IS_TOLD: bool = true;

    fn held(&self) -> Held<'_> {
        Held { jti: Some(&self.jti), ..Held::default() }
    }
}

/// A revocation under way.
struct Sweep<'a> {
    store: &'a Store,
    what: &'a Selection,
    now: UnixTime,
    unreadable: usize,
}

impl Sweep<'_> {
    /// Ends the selected records of one kind; answers how many.
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
                    // The others end all the same.
                    log::error!("{key} cannot be read and was not revoked: {error}");
                    self.unreadable += 1;
                    (false, false)
                }
            };
            // One that has ended goes, too: another clock may say that it has not.
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
            return self.store.end_record(&key, &id_of(&key)).await;
        }
        let mut command = redis::cmd("DEL");
        command.arg(&key).arg(with);
        let count: usize = command.query_async(&mut self.store.pool.get().await?).await?;
        Ok(count > 0)
    }
}

/// The id of a grant or an access token, as its key ends: even a record that cannot be read has one.
fn id_of(key: &str) -> Identifier {
    let id = key.rsplit(':').next().unwrap_or_default();
    Identifier::parsed(id.trim_start_matches('{').trim_end_matches('}'))
}

impl Store {
    /// Revokes what is selected. What a person allows meanwhile counts as allowed after it, if it does
    /// not rest on what is revoked.
    pub async fn revoke(&self, what: &Selection, now: UnixTime) -> Result<Ended, Error> {
        let ended = self.end(what, now).await;
        // The instances that serve are told at the same moment as we. One whose link swallows the
        // word takes silence for none no longer than this, so that none lets anything in now.
        tokio::time::sleep(LEASE).await;
        ended
    }

    async fn end(&self, what: &Selection, now: UnixTime) -> Result<Ended, Error> {
        let mut sweep = Sweep { store: self, what, now, unreadable: 0 };
        let mut ended = Ended::default();
        if matches!(what, Selection::Jti(_)) {
            ended.grants = sweep.end::<AccessRecord>().await?;
        } else {
            // Each before what it becomes, and whoever makes that looks after it for what it came
            // from: either it is found here, or it finds that gone, or the mark.
            self.mark_revocation(what).await?;
            if what.ends_logins() {
                ended.beside =
                    sweep.end::<LoginCodeRecord>().await? + sweep.end::<SessionRecord>().await?;
            }
            ended.beside += sweep.end::<ApprovalRecord>().await?
                + sweep.end::<DeviceRecord>().await?
                + sweep.end::<DeviceDecision>().await?
                + sweep.end::<CodeRecord>().await?;
            ended.grants = sweep.end::<Grant>().await?;
            // What an answer gave out has ended by now; it only would be told again.
            sweep.end::<AnswerRecord>().await?;
        }
        ended.unreadable = sweep.unreadable;
        Ok(ended)
    }
}
