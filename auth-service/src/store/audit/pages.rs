//! Reading the audit events of the stream, latest first.

use gateway_contract::{
    audit::{Event, EventKind, Outcome},
    tool_pattern::matches,
};

use super::{
    AuditRecords,
    stream::{OWN, entry},
};
use crate::store::{Error, key::Key};

/// The number of entries that are read at once.
const BATCH: usize = 500;

/// The maximum number of entries that one page looks at. A filter may match few of them.
const SEARCHED: usize = 10_000;

/// The selection of audit events. Each part that is set must match.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only events at this time or later, in milliseconds since 1970.
    pub since: Option<u64>,
    /// Only kinds that one of these patterns matches, such as `grant.*`.
    pub kinds: Vec<String>,
    /// Only events with this person as the actor or the target, by subject or login name.
    pub user: Option<String>,
    /// Only events with this client, by id or name.
    pub client: Option<String>,
    /// Only events with this server, by name.
    pub server: Option<String>,
    /// Only events with this outcome.
    pub outcome: Option<Outcome>,
}

/// An event of the stream.
#[derive(Clone, Debug)]
pub struct AuditedEvent {
    /// The place in the stream, which [`AuditRecords::page`] takes as the end of an earlier page.
    pub place: String,
    /// The event.
    pub event: Event<'static>,
    /// The event as JSON.
    pub line: String,
}

/// A page of audit events, latest first.
#[derive(Clone, Debug, Default)]
pub struct AuditPage {
    /// The events.
    pub events: Vec<AuditedEvent>,
    /// The place before which the next page begins, or `None` if there are no earlier events. A page may have
    /// fewer events than asked for, and a next page all the same.
    pub next: Option<String>,
}

impl AuditFilter {
    /// Returns `true` if the filter selects `event`.
    #[must_use]
    pub fn selects(&self, event: &Event<'_>) -> bool {
        let is_person = |name: &String| {
            let people = [&event.actor, &event.target].into_iter().flatten();
            people.into_iter().any(|one| one.sub == *name || one.name.eq_ignore_ascii_case(name))
        };
        let is_client = |name: &String| {
            let client = event.client.as_ref();
            client.is_some_and(|one| one.id == *name || one.name.eq_ignore_ascii_case(name))
        };
        let is_server = |name: &String| {
            event.server.as_ref().is_some_and(|names| names.split(' ').any(|one| one == name))
        };
        let is_kind = |pattern: &String| matches(pattern, event.event.as_str());
        (self.kinds.is_empty() || self.kinds.iter().any(is_kind))
            && self.outcome.is_none_or(|outcome| event.outcome == outcome)
            && self.user.as_ref().is_none_or(is_person)
            && self.client.as_ref().is_none_or(is_client)
            && self.server.as_ref().is_none_or(is_server)
    }

    /// Returns the pattern among the kinds that matches no kind of event, if there is one.
    #[must_use]
    pub fn unknown_kind(&self) -> Option<&str> {
        let is_unknown =
            |pattern: &&String| !EventKind::ALL.iter().any(|kind| matches(pattern, kind.as_str()));
        self.kinds.iter().find(is_unknown).map(String::as_str)
    }
}

/// Returns the time of a place in the stream, in milliseconds since 1970.
fn time_of(place: &str) -> u64 {
    place.split('-').next().and_then(|millis| millis.parse().ok()).unwrap_or(0)
}

/// Returns `true` if `text` has the form of a place in the stream.
fn is_place(text: &str) -> bool {
    let is_number = |part: &str| part.parse::<u64>().is_ok();
    text.split_once('-').is_some_and(|(millis, number)| is_number(millis) && is_number(number))
}

/// Returns an entry of the stream as an event. Events of a later version may be unreadable, and are skipped.
fn audited((place, line): (String, String)) -> Option<AuditedEvent> {
    let event = serde_json::from_str::<Event<'static>>(&line).ok()?;
    Some(AuditedEvent { place, event, line })
}

impl AuditRecords {
    /// Returns the latest events that `filter` selects, before the place `before`, and at most `limit`.
    pub async fn page(
        &self,
        filter: &AuditFilter,
        before: Option<&str>,
        limit: usize,
    ) -> Result<AuditPage, Error> {
        let mut page = AuditPage::default();
        let mut before = before.filter(|place| is_place(place)).map(str::to_owned);
        let mut searched = 0;
        while searched < SEARCHED {
            let entries = self.latest(before.as_deref(), BATCH).await?;
            let is_last = entries.len() < BATCH;
            searched += entries.len();
            for entry in entries {
                // Events come into the stream after they have happened.
                if filter.since.is_some_and(|since| time_of(&entry.0) < since) {
                    return Ok(AuditPage { next: None, ..page });
                }
                before = Some(entry.0.clone());
                page.events.extend(audited(entry).filter(|one| filter.selects(&one.event)));
                if page.events.len() >= limit {
                    return Ok(AuditPage { next: before, ..page });
                }
            }
            if is_last {
                return Ok(AuditPage { next: None, ..page });
            }
        }
        Ok(AuditPage { next: before, ..page })
    }

    /// Returns the latest events of the person `subject`, before the place `before`, and at most `limit`.
    ///
    /// The latest 128 of each person are in an index. Earlier ones are searched.
    pub async fn of_person(
        &self,
        subject: &str,
        before: Option<&str>,
        limit: usize,
    ) -> Result<AuditPage, Error> {
        let before = before.filter(|place| is_place(place));
        let mut range = redis::cmd("ZRANGE");
        range.arg(Key::AuditOf(subject).text()).arg(0).arg(-1).arg("REV");
        let mut places: Vec<String> =
            range.query_async(&mut self.records.pool.get().await?).await?;
        let is_complete = places.len() < OWN;
        // Those of one millisecond are in the order of their texts.
        places.sort_by_key(|place| std::cmp::Reverse(parts_of(place)));
        if let Some(end) = before.map(parts_of) {
            places.retain(|place| parts_of(place) < end);
        }
        let has_more = places.len() > limit;
        places.truncate(limit);
        let events = self.at_places(&places).await?;
        if has_more || is_complete {
            return Ok(AuditPage { events, next: places.pop().filter(|_| has_more) });
        }
        let left = limit - places.len();
        if left == 0 {
            return Ok(AuditPage { events, next: places.pop() });
        }
        let filter = AuditFilter { user: Some(subject.to_owned()), ..AuditFilter::default() };
        let from = places.pop().or_else(|| before.map(str::to_owned));
        let rest = self.page(&filter, from.as_deref(), left).await?;
        Ok(AuditPage { events: [events, rest.events].concat(), next: rest.next })
    }

    /// Reads the events at these places, as far as the stream still has them.
    async fn at_places(&self, places: &[String]) -> Result<Vec<AuditedEvent>, Error> {
        let mut pipe = redis::pipe();
        for place in places {
            pipe.cmd("XRANGE").arg(Key::Audit.text()).arg(place).arg(place);
        }
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let raw: Vec<Vec<redis::Value>> =
            pipe.query_async(&mut self.records.pool.get().await?).await?;
        Ok(raw.into_iter().flatten().filter_map(entry).filter_map(audited).collect())
    }

    /// Returns the events after the place `after`, earliest first, and the place of the last of them. An empty
    /// place is before all events.
    pub async fn after(
        &self,
        filter: &AuditFilter,
        after: &str,
    ) -> Result<(Vec<AuditedEvent>, String), Error> {
        let from = if is_place(after) { after } else { "0-0" };
        let entries = self.following(from, BATCH).await?;
        let last = entries.last().map_or_else(|| from.to_owned(), |(place, _)| place.clone());
        let events = entries.into_iter().filter_map(audited);
        Ok((events.filter(|one| filter.selects(&one.event)).collect(), last))
    }

    /// Returns the place of the latest event, or an empty text if there is none.
    pub async fn last_place(&self) -> Result<String, Error> {
        Ok(self.latest(None, 1).await?.pop().map_or_else(String::new, |(place, _)| place))
    }
}

fn parts_of(place: &str) -> (u64, u64) {
    let number = |part: &str| part.parse().unwrap_or(0);
    place.split_once('-').map_or((0, 0), |(millis, count)| (number(millis), number(count)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event<'static> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_filter_selects_what_matches_in_every_part() {
        let one = event(
            r#"{"v":1,"id":"a","time":"t","event":"grant.ended","outcome":"ok","by":"x",
            "actor":{"sub":"github:1","name":"Octocat"},"client":{"id":"c1","name":"Claude"},"server":"time git"}"#,
        );
        let all = AuditFilter::default();
        let yes = [
            AuditFilter { kinds: vec!["tool.*".into(), "grant.*".into()], ..all.clone() },
            AuditFilter { user: Some("octocat".into()), ..all.clone() },
            AuditFilter {
                user: Some("github:1".into()),
                server: Some("git".into()),
                ..all.clone()
            },
            AuditFilter { client: Some("claude".into()), ..all.clone() },
        ];
        assert!(all.selects(&one) && yes.iter().all(|filter| filter.selects(&one)));
        let no = [
            AuditFilter { kinds: vec!["tool.*".into()], ..all.clone() },
            AuditFilter { user: Some("github:11".into()), ..all.clone() },
            AuditFilter { server: Some("gi".into()), ..all.clone() },
            AuditFilter { outcome: Some(Outcome::Denied), ..all.clone() },
        ];
        assert!(no.iter().all(|filter| !filter.selects(&one)));
        let wrong = AuditFilter { kinds: vec!["grant.*".into(), "grunt.*".into()], ..all };
        assert_eq!(wrong.unknown_kind(), Some("grunt.*"));
    }

    #[test]
    fn a_place_has_a_time_and_a_number() {
        assert!(is_place("17-0") && !is_place("17") && !is_place("17-x") && !is_place("+"));
        assert_eq!(time_of("17-3"), 17);
        assert!(parts_of("9-1") < parts_of("10-0"));
    }
}
