//! Redis status: the settings that decide whether logins survive a restart.

use std::collections::HashMap;

use redis::RedisError;

use super::{Error, Maintenance, SentinelReport, Survey, link};

/// The status of the Redis server, as far as this user may read it.
#[derive(Debug)]
pub struct Condition {
    info: HashMap<String, String>,
    /// The value of `CONFIG GET save`, or `None` if the command is not permitted.
    pub snapshots: Option<String>,
    /// The value of `CONFIG GET min-replicas-to-write`, or `None` if the command is not permitted.
    pub min_replicas: Option<u32>,
    /// The clock of Redis, in seconds since 1970. `None` for a Sentinel, which does not tell it.
    pub time: Option<i64>,
    /// The answers of the Sentinels, or `None` if `REDIS_URL` names none.
    pub sentinels: Option<SentinelCondition>,
}

/// The answers of the Sentinels.
#[derive(Debug)]
pub struct SentinelCondition {
    /// The newest answer.
    pub survey: Result<Survey, RedisError>,
    /// One report for each configured Sentinel.
    pub reports: Vec<SentinelReport>,
}

impl Condition {
    /// Returns the value of a field of `INFO`, empty if the field is missing.
    #[must_use]
    pub fn of(&self, name: &str) -> &str {
        self.info.get(name).map_or("", String::as_str)
    }
}

impl Maintenance {
    /// Reads the status with `INFO`, `TIME` and `CONFIG GET`, whatever the role of the node.
    pub async fn condition(&self) -> Result<Condition, Error> {
        let mut connection = self.records.master.connect_unchecked(&link::patient()).await?;
        let text: String = redis::cmd("INFO").query_async(&mut connection).await?;
        let time: Result<(i64, i64), _> = redis::cmd("TIME").query_async(&mut connection).await;
        let mut settings = redis::cmd("CONFIG");
        settings.arg("GET").arg("save").arg("min-replicas-to-write");
        let settings: Result<HashMap<String, String>, _> =
            settings.query_async(&mut connection).await;
        let mut settings = settings.ok();
        let survey = self.records.master.survey().await;
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        Ok(Condition {
            info: lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            snapshots: settings.as_mut().and_then(|settings| settings.remove("save")),
            min_replicas: settings
                .and_then(|settings| settings.get("min-replicas-to-write")?.parse().ok()),
            time: time.ok().map(|(seconds, _)| seconds),
            sentinels: survey.map(|(survey, reports)| SentinelCondition { survey, reports }),
        })
    }
}
