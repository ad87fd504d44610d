//! How Redis does: what of its state decides whether logins outlive it.

use std::collections::HashMap;

use super::{Error, Store};

/// The state of Redis, as far as it tells.
#[derive(Debug)]
pub struct Condition {
    info: HashMap<String, String>,
    /// `CONFIG GET save`; `None` where it may not be asked.
    pub snapshots: Option<String>,
    /// Its clock, in seconds since 1970.
    pub time: i64,
}

impl Condition {
    /// A line of `INFO`.
    #[must_use]
    pub fn of(&self, name: &str) -> &str {
        self.info.get(name).map_or("", String::as_str)
    }
}

impl Store {
    /// Asks Redis how it does.
    pub async fn condition(&self) -> Result<Condition, Error> {
        let mut connection = self.pool.get().await?;
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
