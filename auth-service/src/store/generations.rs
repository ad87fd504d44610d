//! Generations of people, clients and servers in Redis. A record is revoked if one of those that it
//! belongs to has a later generation than the record itself.

use std::collections::HashMap;

use super::{Error, Records, key::Key, record::Record};
use crate::model::{
    AuthorizationRequest, CLIENT_PROVIDER, ClientId, Generation, Grant, ResourceUri, UnixTime, User,
};

/// The people, the client and the servers that a record belongs to.
#[derive(Clone, Copy, Default)]
pub(super) struct Affiliation<'a> {
    pub(super) user: Option<&'a User>,
    pub(super) client: Option<&'a ClientId>,
    pub(super) resources: &'a [ResourceUri],
}

impl<'a> Affiliation<'a> {
    pub(super) fn of_user(user: &'a User) -> Self {
        Self { user: Some(user), ..Self::default() }
    }

    pub(super) fn of_request(user: Option<&'a User>, request: &'a AuthorizationRequest) -> Self {
        Self { user, client: Some(&request.client_id), resources: &request.resources }
    }

    /// Returns the names by which a revocation may select the person: the subject, and the login name
    /// in lower case.
    fn people(&self) -> impl Iterator<Item = String> {
        let login = self.user.and_then(login_of);
        self.user.map(|user| user.subject.clone()).into_iter().chain(login)
    }

    /// Returns the keys of all generations that can revoke a record. The first is the counter; the
    /// second is the one of `--before`, which a grant compares with its creation.
    pub(super) fn keys(&self, is_grant: bool) -> Vec<String> {
        let before = if is_grant { Key::RevokedBefore } else { Key::GenerationOfFlows };
        let mut keys = vec![Key::Generation.text(), before.text(), Key::GenerationOfAll.text()];
        for person in self.people() {
            keys.push(Key::GenerationOfUser(&person).text());
            keys.extend(self.client.map(|id| Key::GenerationOfPair(&person, id).text()));
        }
        keys.extend(self.client.map(|id| Key::GenerationOfClient(id).text()));
        keys.extend(self.resources.iter().map(|uri| Key::GenerationOfServer(uri).text()));
        keys
    }
}

/// Returns the login name of a person in lower case, or `None` for a client that acts on its own
/// behalf, whose name is not a login name.
pub(super) fn login_of(user: &User) -> Option<String> {
    let is_client = user.person().provider() == CLIENT_PROVIDER;
    (!is_client && user.name != user.subject).then(|| user.name.to_ascii_lowercase())
}

/// A kind of record that can be revoked.
pub(super) trait Revocable: Record {
    /// Returns what the record belongs to.
    fn affiliation(&self) -> Affiliation<'_>;

    /// Returns the generation of the record.
    fn generation(&self) -> Generation;

    /// Returns the creation of a grant, or `None` for another record. `--before` revokes those of any
    /// age.
    fn created_at(&self) -> Option<UnixTime> {
        None
    }
}

/// The values of the keys of [`Affiliation::keys`].
pub(super) type Values = [Option<String>];

/// Returns `true` if a record of `generation` is revoked. `created_at` is that of a grant.
pub(super) fn are_later(
    values: &Values,
    generation: Generation,
    created_at: Option<UnixTime>,
) -> bool {
    let [counter, before, others @ ..] = values else { return true };
    // A later generation than the counter has is of a revocation that a failover lost. The next one would
    // get the same number, and not revoke the record.
    let counter = number(counter.as_ref());
    if counter <= generation.0 {
        return counter < generation.0;
    }
    let is_later = |value: &Option<String>| {
        value
            .as_ref()
            .is_some_and(|text| text.parse().map_or(true, |later: u64| later > generation.0))
    };
    let is_before = match (before, created_at) {
        (Some(text), Some(created)) => text.parse().map_or(true, |end| created < UnixTime(end)),
        (_, None) => is_later(before),
        (None, _) => false,
    };
    is_before || others.iter().any(is_later)
}

/// Returns the counter of revocations among the values of [`Affiliation::keys`].
pub(super) fn counter_of(values: &Values) -> Generation {
    Generation(number(values.first().and_then(Option::as_ref)))
}

/// Returns the value of the counter, and 0 if it is not a number.
fn number(value: Option<&String>) -> u64 {
    value.and_then(|text| text.parse().ok()).unwrap_or(0)
}

impl Records {
    /// Returns the current generation. A record must get the one from before everything it rests on was
    /// checked, so that a concurrent revocation revokes it.
    pub(in crate::store) async fn generation(&self) -> Result<Generation, Error> {
        let mut command = redis::cmd("GET");
        command.arg(Key::Generation.text());
        let text: Option<String> = command.query_async(&mut self.pool.get().await?).await?;
        Ok(Generation(text.and_then(|text| text.parse().ok()).unwrap_or_default()))
    }

    /// Returns `true` if what has this affiliation and generation is revoked.
    pub(in crate::store) async fn are_revoked(
        &self,
        affiliation: Affiliation<'_>,
        generation: Generation,
        created_at: Option<UnixTime>,
    ) -> Result<bool, Error> {
        let mut command = redis::cmd("MGET");
        command.arg(affiliation.keys(created_at.is_some()));
        let values: Vec<_> = command.query_async(&mut self.pool.get().await?).await?;
        Ok(are_later(&values, generation, created_at))
    }

    /// Returns `record` unless it is revoked.
    pub(in crate::store) async fn unless_revoked<T: Revocable>(
        &self,
        record: Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(record) = record else { return Ok(None) };
        let (generation, created_at) = (record.generation(), record.created_at());
        let revoked = self.are_revoked(record.affiliation(), generation, created_at).await?;
        Ok((!revoked).then_some(record))
    }

    /// Removes the revoked ones from `grants`.
    pub(in crate::store) async fn unless_any_revoked(
        &self,
        grants: Vec<Option<Grant>>,
    ) -> Result<Vec<Option<Grant>>, Error> {
        let rests: Vec<Vec<String>> = grants
            .iter()
            .map(|grant| grant.as_ref().map_or(Vec::new(), |grant| grant.affiliation().keys(true)))
            .collect();
        let mut keys: Vec<String> = rests.iter().flatten().cloned().collect();
        keys.sort_unstable();
        keys.dedup();
        let values = self.texts(&keys).await?;
        let values: HashMap<String, Option<String>> = keys.into_iter().zip(values).collect();
        let stands = |grant: &Grant, keys: Vec<String>| {
            let of = keys.iter().map(|key| values.get(key).cloned().flatten()).collect::<Vec<_>>();
            !are_later(&of, grant.generation(), Some(grant.created_at))
        };
        let both = grants.into_iter().zip(rests);
        Ok(both.map(|(grant, keys)| grant.filter(|grant| stands(grant, keys))).collect())
    }

    /// Reads a record that is neither expired nor revoked.
    pub(in crate::store) async fn read_live<T: Revocable>(
        &self,
        key: &Key<'_>,
        now: UnixTime,
    ) -> Result<Option<T>, Error> {
        let record = self.read(key, now).await?;
        self.unless_revoked(record).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned())).collect()
    }

    #[test]
    fn a_record_is_revoked_by_what_is_later() {
        let revoked = |texts: &[&str], generation, created: Option<i64>| {
            are_later(&values(texts), Generation(generation), created.map(UnixTime))
        };
        assert!(!revoked(&["", "", "", ""], 0, None));
        assert!(!revoked(&["8", "3", "5", "7"], 7, None));
        for later in [["8", "8", "", ""], ["8", "", "8", ""], ["8", "", "", "8"]] {
            assert!(revoked(&later, 7, None), "{later:?}");
        }
        assert!(revoked(&["6", "", "", ""], 7, None), "the counter was reset");
        assert!(revoked(&["", "", "", ""], 1, None), "the counter is gone");
        assert!(revoked(&["9", "", "", "x"], 8, None), "what cannot be read revokes");
        assert!(revoked(&[], 0, None));
        // `--before` compares the creation of a grant.
        assert!(!revoked(&["9", "1000", "", ""], 0, Some(1000)));
        assert!(revoked(&["9", "1000", "", ""], 8, Some(999)));
        assert!(
            !revoked(&["9", "1000", "", ""], 9, Some(999)),
            "it was made since, by a slower clock"
        );
    }

    #[test]
    fn a_person_is_selected_by_subject_or_login_name() {
        let user = |subject: &str, name: &str| User {
            subject: subject.to_owned(),
            name: name.to_owned(),
            email: None,
        };
        let octocat = user("github:1", "Octocat");
        let names: Vec<String> = Affiliation::of_user(&octocat).people().collect();
        assert_eq!(names, ["github:1", "octocat"]);
        for nameless in [user("client:x", "Octocat"), user("github:1", "github:1")] {
            assert_eq!(Affiliation::of_user(&nameless).people().count(), 1, "{nameless:?}");
        }
    }
}
