//! Positions in sorted sets, from which a list continues. A position is an entry and not a number, so that
//! what is added or removed meanwhile neither repeats nor hides another entry.

use std::{fmt, str::FromStr};

use super::{Error, Records};

/// The position after an entry of a list, as text for the next call.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    /// The sorted set of the entry, without the part that all sets of the list share.
    pub(super) source: String,
    pub(super) score: f64,
    pub(super) member: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.source, self.score, self.member)
    }
}

/// The reason why a text is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that a list has printed")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        // Neither a score nor a member has a comma.
        let (rest, member) = text.rsplit_once(',').ok_or(InvalidCursor)?;
        let (source, score) = rest.rsplit_once(',').ok_or(InvalidCursor)?;
        let score = score.parse().map_err(|_| InvalidCursor)?;
        Ok(Self { source: source.to_owned(), score, member: member.to_owned() })
    }
}

/// An entry of a sorted set.
pub(super) type Scored = (String, f64);

impl Records {
    /// Reads up to `count` entries of the sorted set `key` that follow `after`, highest score first.
    pub(in crate::store) async fn entries_after(
        &self,
        key: &str,
        after: Option<&Cursor>,
        count: usize,
    ) -> Result<Vec<Scored>, Error> {
        let mut connection = self.pool.get().await?;
        let start = match after {
            None => 0,
            Some(after) => {
                let mut rank = redis::cmd("ZREVRANK");
                rank.arg(key).arg(&after.member);
                match rank.query_async::<Option<usize>>(&mut connection).await? {
                    Some(rank) => rank + 1,
                    None => self.rank_of_gone(key, after).await?,
                }
            }
        };
        let mut range = redis::cmd("ZRANGE");
        range.arg(key).arg(start).arg(start + count - 1).arg("REV").arg("WITHSCORES");
        Ok(range.query_async(&mut connection).await?)
    }

    /// Returns the rank at which an entry that is gone would be, by bisection.
    async fn rank_of_gone(&self, key: &str, gone: &Cursor) -> Result<usize, Error> {
        let mut connection = self.pool.get().await?;
        let mut count = redis::cmd("ZCARD");
        let mut low = 0;
        let mut high: usize = count.arg(key).query_async(&mut connection).await?;
        while low < high {
            let middle = low + (high - low) / 2;
            let mut range = redis::cmd("ZRANGE");
            range.arg(key).arg(middle).arg(middle).arg("REV").arg("WITHSCORES");
            let entry: Vec<Scored> = range.query_async(&mut connection).await?;
            let is_before = entry.first().is_some_and(|(member, score)| {
                (*score, member.as_str()) > (gone.score, gone.member.as_str())
            });
            if is_before { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back() {
        for (source, score) in
            [("day:20833", 1.8e9), ("client:https://a.example/x,y", f64::INFINITY)]
        {
            let member = "Xb0YtG3mR0m1kz2i0x5q1A.7".to_owned();
            let cursor = Cursor { source: source.to_owned(), score, member };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for bad in ["", "a", "a,b", "a,b,c"] {
            assert_eq!(bad.parse::<Cursor>(), Err(InvalidCursor), "{bad}");
        }
    }
}
