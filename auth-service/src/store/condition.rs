//! Redis status: the settings that decide whether logins survive a restart.

use std::collections::HashMap;

use super::{Error, Maintenance, link};

/// The status of the Redis server, as far as this user may read it.
#[derive(Debug)]
pub struct Condition {
    info: HashMap<String, String>,
    /// The value of `CONFIG GET save`, or `None` if the command is not permitted.
    pub snapshots: Option<String>,
    /// The clock of Redis, in seconds since 1970.
    pub time: i64,
}

impl Condition {
    /// Returns the value of a field of `INFO`, empty if the field is missing.
    #[must_use]
    pub fn of(&self, name: &str) -> &str {
        self.info.get(name).map_or("", String::as_str)
    }
}

impl Maintenance {
    /// Reads the status with `INFO`, `TIME` and `CONFIG GET`.
    pub async fn condition(&self) -> Result<Condition, Error> {
        let mut connection = self.records.master.connect_unchecked(&link::patient()).await?;
        let text: String = redis::cmd("INFO").query_async(&mut connection).await?;
        let (time, _): (i64, i64) = redis::cmd("TIME").query_async(&mut connection).await?;
        let mut save = redis::cmd("CONFIG");
        save.arg("GET").arg("save");
        let save: Result<HashMap<String, String>, _> = save.query_async(&mut connection).await;
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        Ok(Condition {
            info: lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            snapshots: save.ok().and_then(|mut save| save.remove("save")),
            time,
        })
    }
}
