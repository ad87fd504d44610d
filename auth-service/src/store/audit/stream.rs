//! The stream of audit events, to which each event is added once, whatever is repeated.

use redis::FromRedisValue;

use super::AuditRecords;
use crate::store::{Error, key::Key};

/// The time for which events stay in the stream, in days.
pub(super) const DAYS: u64 = 30;

/// The number of latest ids by which a repeated event is recognized. More than all relays and readers can
/// have added without an acknowledgement.
const IDS: usize = 20_000;

/// The number of latest events of each person that are found without a search.
pub(super) const OWN: usize = 128;

/// Adds events, unless they were added before. Returns the place of each in the stream. Trims the stream
/// by number and age, and the ids by number. Arguments: the bounds, and pairs of id and line.
const ADD: &str = r"
local places, time = {}, redis.call('TIME')
for i = 4, #ARGV, 2 do
    local place = redis.call('HGET', KEYS[2], ARGV[i])
    if not place then
        place = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'e', ARGV[i + 1])
        redis.call('HSET', KEYS[2], ARGV[i], place)
        redis.call('RPUSH', KEYS[3], ARGV[i])
    end
    places[#places + 1] = place
end
redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', time[1] * 1000 - ARGV[2]))
local excess = redis.call('LLEN', KEYS[3]) - ARGV[3]
if excess > 0 then
    for _, id in ipairs(redis.call('LPOP', KEYS[3], excess)) do redis.call('HDEL', KEYS[2], id) end
end
return places
";

/// Adds places in the stream to the index of a person, in the order of the stream, and trims it by number. A
/// score has 53 bits: 41 are of the time, 12 of the number within a millisecond.
const INDEX: &str = r"#!lua flags=allow-oom
for i = 3, #ARGV do
    local time, number = string.match(ARGV[i], '^(%d+)%-(%d+)$')
    local score = string.format('%.0f', time * 4096 + math.min(number, 4095))
    redis.call('ZADD', KEYS[1], score, ARGV[i])
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[1] - 1)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
";

/// The header of a script that may exceed `maxmemory`.
const ESSENTIAL: &str = "#!lua flags=allow-oom\n";

/// An event that is to be added: its id, its line, and the subjects of the people whom it names.
pub(super) struct Addition<'a> {
    pub(super) id: &'a str,
    pub(super) line: &'a str,
    pub(super) subjects: Vec<String>,
}

/// The members of an event by which it is added.
#[derive(serde::Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    actor: Option<Subject>,
    #[serde(default)]
    target: Option<Subject>,
}

#[derive(serde::Deserialize)]
struct Subject {
    sub: String,
}

/// Returns the id of the event in `line`, and the subjects of the people whom it names.
pub(super) fn names(line: &str) -> Option<(String, Vec<String>)> {
    let named: Named = serde_json::from_str(line).ok()?;
    let mut subjects: Vec<String> =
        [named.actor, named.target].into_iter().flatten().map(|person| person.sub).collect();
    subjects.dedup();
    Some((named.id, subjects))
}

impl AuditRecords {
    /// Adds events of other programs, each a JSON object. An event that is in the stream already is not added
    /// again. Returns the number of lines that are no events, which are skipped.
    pub async fn add<T: AsRef<str>>(&self, lines: &[T]) -> Result<usize, Error> {
        let named: Vec<_> = lines
            .iter()
            .filter_map(|line| names(line.as_ref()).map(|named| (line.as_ref(), named)))
            .collect();
        let additions: Vec<Addition<'_>> = named
            .iter()
            .map(|(line, (id, subjects))| Addition { id, line, subjects: subjects.clone() })
            .collect();
        self.add_all(&additions, false).await?;
        Ok(lines.len() - additions.len())
    }

    /// Adds events. Those that are `essential` are added even when Redis is full: they come from outboxes,
    /// which become shorter by them.
    pub(super) async fn add_all(&self, all: &[Addition<'_>], essential: bool) -> Result<(), Error> {
        let script = if essential { [ESSENTIAL, ADD].concat() } else { ADD.to_owned() };
        let script = redis::Script::new(&script);
        for additions in all.chunks(250) {
            let mut call = script.prepare_invoke();
            call.key(Key::Audit.text()).key(Key::AuditIds.text()).key(Key::AuditIdsByAge.text());
            call.arg(self.stream_max).arg(DAYS * 86_400_000).arg(IDS);
            for addition in additions {
                call.arg(addition.id).arg(addition.line);
            }
            let mut connection = self.records.pool.get().await?;
            let places: Vec<String> = call.invoke_async(&mut connection).await?;
            let mut pipe = redis::pipe();
            for (addition, place) in additions.iter().zip(&places) {
                for subject in &addition.subjects {
                    pipe.cmd("EVAL").arg(INDEX).arg(1).arg(Key::AuditOf(subject).text());
                    pipe.arg(OWN).arg(DAYS * 86_400).arg(place).ignore();
                }
            }
            if !pipe.is_empty() {
                let () = pipe.exec_async(&mut connection).await?;
            }
        }
        Ok(())
    }

    /// Reads entries of the stream, latest first, beginning before `before`.
    pub(super) async fn latest(
        &self,
        before: Option<&str>,
        count: usize,
    ) -> Result<Vec<(String, String)>, Error> {
        let mut read = redis::cmd("XREVRANGE");
        let from = before.map_or_else(|| "+".to_owned(), |place| format!("({place}"));
        read.arg(Key::Audit.text()).arg(from).arg("-").arg("COUNT").arg(count);
        self.entries(&read).await
    }

    /// Reads entries of the stream, earliest first, beginning after `after`.
    pub(super) async fn following(
        &self,
        after: &str,
        count: usize,
    ) -> Result<Vec<(String, String)>, Error> {
        let mut read = redis::cmd("XRANGE");
        read.arg(Key::Audit.text()).arg(format!("({after}")).arg("+").arg("COUNT").arg(count);
        self.entries(&read).await
    }

    async fn entries(&self, read: &redis::Cmd) -> Result<Vec<(String, String)>, Error> {
        let raw: Vec<redis::Value> = read.query_async(&mut self.records.pool.get().await?).await?;
        Ok(raw.into_iter().filter_map(entry).collect())
    }
}

/// Returns the place and the line of a raw entry. Entries of other forms are skipped.
pub(super) fn entry(raw: redis::Value) -> Option<(String, String)> {
    let (place, fields): (String, Vec<String>) = FromRedisValue::from_redis_value(raw).ok()?;
    match <[String; 2]>::try_from(fields) {
        Ok([name, line]) if name == "e" => Some((place, line)),
        _ => None,
    }
}
