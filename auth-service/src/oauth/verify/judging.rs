//! Answers of the access policy for tokens. If they rest on facts that are out of date, the provider is asked first.

use std::sync::Arc;

use super::{
    cached_token::{CachedToken, Part},
    judgement::Judgement,
};
use crate::{
    model::{Catalogue, McpServer, UnixTime},
    oauth::{
        Error, People, Verifier,
        people::{Checked, Seen},
    },
};

impl Verifier {
    /// Returns the answer of the access policy about `token` at `server`.
    ///
    /// If the facts about the person are out of date, the provider is asked first.
    pub(super) async fn judgement(
        &self,
        token: &CachedToken,
        (catalogue, server): (&Arc<Catalogue>, &McpServer),
        now: UnixTime,
    ) -> Result<Arc<Judgement>, Error> {
        if let Some(latest) = self.known_judgement(token, (catalogue, server), now) {
            return Ok(latest);
        }
        // Boxed to keep the future of the caller small.
        Box::pin(self.new_judgement(token, (catalogue, server), now)).await
    }

    /// Returns the latest answer if it holds.
    fn known_judgement(
        &self,
        token: &CachedToken,
        (catalogue, server): (&Arc<Catalogue>, &McpServer),
        now: UnixTime,
    ) -> Option<Arc<Judgement>> {
        let latest = token.latest.get(server)?;
        let people = &self.core.store.people;
        let holds = Arc::ptr_eq(&latest.catalogue, catalogue)
            && Arc::ptr_eq(&latest.seen.access, &self.core.access.borrow())
            && latest.valid_until.is_none_or(|until| now < until)
            && latest.seen.facts.as_ref().is_none_or(|facts| people.is_current(facts, now));
        holds.then_some(latest)
    }

    async fn new_judgement(
        &self,
        token: &CachedToken,
        (catalogue, server): (&Arc<Catalogue>, &McpServer),
        now: UnixTime,
    ) -> Result<Arc<Judgement>, Error> {
        let seen = self.core.seen(token.person()).await?;
        let judgement = self.judge_anew(token, seen, (catalogue, server), now);
        if judgement.is_allowed() || !judgement.is_unknown {
            return Ok(judgement);
        }
        let subject = token.text(Part::Subject);
        if People::of(&self.core).check_if_due(subject).await? == Checked::NoAnswer {
            return Ok(judgement);
        }
        let seen = self.core.seen(token.person()).await?;
        Ok(self.judge_anew(token, seen, (catalogue, server), now))
    }

    fn judge_anew(
        &self,
        token: &CachedToken,
        seen: Seen,
        (catalogue, server): (&Arc<Catalogue>, &McpServer),
        now: UnixTime,
    ) -> Arc<Judgement> {
        let known = self.core.known(&seen, token.person(), Some(token.text(Part::Client)));
        let verdict = seen.access.at_server(&known.facts, server, now);
        let ends = [known.valid_until, verdict.valid_until];
        let judgement = Arc::new(Judgement {
            catalogue: Arc::clone(catalogue),
            server: server.name.as_str().into(),
            is_unknown: !known.is_complete(),
            are_stale: known.are_stale,
            valid_until: ends.into_iter().flatten().min(),
            verdict,
            seen,
        });
        // An answer that the provider may change is not kept, so that the provider is asked again.
        if judgement.is_allowed() || !judgement.is_unknown {
            token.latest.put(&judgement);
        }
        judgement
    }
}
