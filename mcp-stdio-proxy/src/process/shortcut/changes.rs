//! Environment changes made by a package runner: a directory of programs in `PATH`, `NODE_OPTIONS`, `npm_*`,
//! `VIRTUAL_ENV` and others.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// The name and the value of a variable.
pub(super) type Variable = (OsString, OsString);

/// The difference between two environments.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<Change>);

#[derive(Debug)]
struct Change {
    name: OsString,
    /// The value given to the package runner; `None` if the variable was not set.
    was: Option<OsString>,
    /// The value it passed on; `None` if it removed the variable.
    is: Option<OsString>,
}

impl Changes {
    pub(super) fn between(before: &[Variable], after: &[Variable]) -> Self {
        let (before, after) = (by_name(before), by_name(after));
        let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let change = |name: &&OsStr| {
            let value =
                |all: &BTreeMap<&OsStr, &OsStr>| all.get(*name).map(|one| (*one).to_owned());
            let (was, is) = (value(&before), value(&after));
            (was != is).then(|| Change { name: (*name).to_owned(), was, is })
        };
        Self(names.into_iter().filter_map(change).collect())
    }

    /// Applies the changes to `env`. A variable whose value differs from the one given to the package runner
    /// keeps its value. A prefix or suffix that the runner added is added again.
    pub(super) fn applied(&self, env: Vec<Variable>) -> Vec<Variable> {
        let mut env: BTreeMap<_, _> = env.into_iter().collect();
        for Change { name, was, is } in &self.0 {
            let present = env.remove(name);
            let value = if present == *was {
                is.clone()
            } else {
                match (&present, was, is) {
                    (Some(present), Some(was), Some(is)) => Some(extended(present, was, is)),
                    _ => present,
                }
            };
            env.extend(value.map(|value| (name.clone(), value)));
        }
        env.into_iter().collect()
    }
}

/// Adds to `present` the prefix or suffix that turns `was` into `is`, if there is one.
fn extended(present: &OsStr, was: &OsStr, is: &OsStr) -> OsString {
    let [present, was, is] = [present, was, is].map(OsStr::as_bytes);
    let parts = match (is.strip_suffix(was), is.strip_prefix(was)) {
        (Some(before), _) => [before, present],
        (None, Some(after)) => [present, after],
        (None, None) => [present, b"".as_slice()],
    };
    OsString::from_vec(parts.concat())
}

/// Indexes variables by name; the last of several with the same name wins.
fn by_name(env: &[Variable]) -> BTreeMap<&OsStr, &OsStr> {
    env.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(all: &[(&str, &str)]) -> Vec<Variable> {
        all.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn value<'a>(env: &'a [Variable], name: &str) -> Option<&'a str> {
        env.iter().find(|(one, _)| one == name).and_then(|(_, value)| value.to_str())
    }

    #[test]
    fn what_was_added_changed_or_removed_is_so_again() {
        let before = env(&[("PATH", "/bin"), ("GONE", "1"), ("SAME", "1"), ("OPTION", "a")]);
        let after = env(&[("PATH", "/x:/bin"), ("NEW", "1"), ("SAME", "1"), ("OPTION", "b")]);
        let changes = Changes::between(&before, &after);
        let applied = changes.applied(before);
        let mut expected = after;
        expected.sort();
        assert_eq!(applied, expected);
    }

    #[test]
    fn the_values_of_the_present_start_count() {
        let before = env(&[("WHO", "alice"), ("PATH", "/a:/bin"), ("LATE", "/a"), ("OPTION", "a")]);
        let after =
            env(&[("WHO", "alice"), ("PATH", "/x:/a:/bin"), ("LATE", "/a:/x"), ("OPTION", "b")]);
        let changes = Changes::between(&before, &after);
        let bob = env(&[("WHO", "bob"), ("PATH", "/b:/bin"), ("LATE", "/b"), ("OPTION", "c")]);
        let applied = changes.applied(bob);
        for (name, expected) in
            [("WHO", "bob"), ("PATH", "/x:/b:/bin"), ("LATE", "/b:/x"), ("OPTION", "c")]
        {
            assert_eq!(value(&applied, name), Some(expected), "{name}");
        }
    }
}
