//! The indexes of a target: where its grants and its other records are found.

use super::{
    Error, Records,
    key::{Key, Owner},
    target::{Target, day_of},
};

impl Records {
    /// Returns the subjects that `name` means: itself, and those with this login name.
    pub(in crate::store) async fn subjects(&self, name: &str) -> Result<Vec<String>, Error> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(Key::Subjects(&name.to_ascii_lowercase()).text()).arg(0).arg(-1);
        let mut subjects: Vec<String> = command.query_async(&mut self.pool.get().await?).await?;
        if !subjects.iter().any(|subject| subject == name) {
            subjects.push(name.to_owned());
        }
        Ok(subjects)
    }

    /// Returns the days in the index of days at `key`, latest first.
    pub(in crate::store) async fn days(&self, key: &Key<'_>) -> Result<Vec<i64>, Error> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(key.text()).arg(0).arg(-1).arg("REV");
        Ok(command.query_async(&mut self.pool.get().await?).await?)
    }

    /// Returns the keys of the indexes of all grants of `target`, which may have others, too.
    pub(in crate::store) async fn grant_indexes(
        &self,
        target: &Target,
    ) -> Result<Vec<String>, Error> {
        let days = match target {
            Target::Before(end) => {
                let mut days = self.days(&Key::GrantDays).await?;
                days.retain(|day| *day <= day_of(*end));
                days
            }
            Target::All => self.days(&Key::GrantDays).await?,
            _ => Vec::new(),
        };
        self.indexes(target, days, |owner| Key::Grants(owner).text()).await
    }

    /// Returns the keys of the indexes of all other records of `target`.
    pub(in crate::store) async fn other_indexes(
        &self,
        target: &Target,
    ) -> Result<Vec<String>, Error> {
        let days = match target {
            Target::Before(_) | Target::All => self.days(&Key::OtherDays).await?,
            _ => Vec::new(),
        };
        self.indexes(target, days, |owner| Key::Others(owner).text()).await
    }

    async fn indexes(
        &self,
        target: &Target,
        days: Vec<i64>,
        key: impl Fn(Owner<'_>) -> String,
    ) -> Result<Vec<String>, Error> {
        Ok(match target {
            Target::User(name) | Target::Pair(name, _) => {
                let subjects = self.subjects(name).await?;
                subjects.iter().map(|subject| key(Owner::User(subject))).collect()
            }
            Target::Client(id) => vec![key(Owner::Client(id))],
            Target::Server(uri) => vec![key(Owner::Server(uri))],
            Target::Before(_) | Target::All => {
                days.into_iter().map(|day| key(Owner::Day(day))).collect()
            }
        })
    }

    /// Returns the number of entries in the indexes of all grants of `target`.
    pub(in crate::store) async fn entries_of(&self, target: &Target) -> Result<usize, Error> {
        let mut pipe = redis::pipe();
        for index in self.grant_indexes(target).await? {
            pipe.cmd("ZCARD").arg(index);
        }
        let counts: Vec<usize> = pipe.query_async(&mut self.pool.get().await?).await?;
        Ok(counts.iter().sum())
    }
}
