//! Limits on the number of processes: in total, per server and per user.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// A request to start a process.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The server of the process.
    pub server: Arc<str>,
    /// The maximum number of processes of the server.
    pub of_server: usize,
    /// The user on whose behalf the process is started, if any.
    pub user: Option<Arc<str>>,
}

/// The limit that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The limit on all processes.
    All,
    /// The limit on the processes of the server.
    Server,
    /// The limit on the processes of the user.
    User,
    /// The quota is closed, because the proxy is shutting down.
    Closed,
}

#[derive(Default)]
struct Counts {
    all: usize,
    servers: HashMap<Arc<str>, usize>,
    users: HashMap<Arc<str>, usize>,
    closed: bool,
}

/// The limits on processes, with the current counts.
pub struct Quota {
    all: usize,
    of_user: usize,
    counts: Mutex<Counts>,
    freed: Notify,
}

impl Quota {
    /// Creates a quota of `all` processes in total and `of_user` per user.
    #[must_use]
    pub fn new(all: usize, of_user: usize) -> Arc<Self> {
        Arc::new(Self { all, of_user, counts: Mutex::default(), freed: Notify::new() })
    }

    /// Acquires a permit for one more process, which is released when dropped.
    pub fn take(self: &Arc<Self>, claim: &Claim) -> Result<Permit, Full> {
        let mut counts = self.counts.lock();
        let of = |counts: &HashMap<Arc<str>, usize>, key: &Arc<str>| {
            counts.get(key).copied().unwrap_or_default()
        };
        if counts.closed {
            return Err(Full::Closed);
        }
        if claim.user.as_ref().is_some_and(|user| of(&counts.users, user) >= self.of_user) {
            return Err(Full::User);
        }
        if of(&counts.servers, &claim.server) >= claim.of_server {
            return Err(Full::Server);
        }
        if counts.all >= self.all {
            return Err(Full::All);
        }
        counts.all += 1;
        *counts.servers.entry(Arc::clone(&claim.server)).or_default() += 1;
        if let Some(user) = &claim.user {
            *counts.users.entry(Arc::clone(user)).or_default() += 1;
        }
        let (server, user) = (Arc::clone(&claim.server), claim.user.clone());
        Ok(Permit { quota: Arc::clone(self), server, user })
    }

    /// Resolves when a permit has been released since the call.
    pub fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    /// Closes the quota: no further permits are granted.
    pub fn close(&self) {
        self.counts.lock().closed = true;
    }

    /// Returns the number of processes of each server.
    #[must_use]
    pub fn by_server(&self) -> HashMap<Arc<str>, usize> {
        self.counts.lock().servers.clone()
    }
}

/// A permit to run a process.
pub struct Permit {
    quota: Arc<Quota>,
    server: Arc<str>,
    user: Option<Arc<str>>,
}

impl Permit {
    /// Returns the user that the permit is counted for.
    #[must_use]
    pub fn user(&self) -> Option<&Arc<str>> {
        self.user.as_ref()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        {
            let mut counts = self.quota.counts.lock();
            counts.all = counts.all.saturating_sub(1);
            less(&mut counts.servers, &self.server);
            if let Some(user) = &self.user {
                less(&mut counts.users, user);
            }
        }
        self.quota.freed.notify_waiters();
    }
}

fn less(counts: &mut HashMap<Arc<str>, usize>, key: &Arc<str>) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(server: &str, user: Option<&str>) -> Claim {
        Claim { server: server.into(), of_server: 2, user: user.map(Into::into) }
    }

    #[test]
    fn each_bound_holds_and_what_is_given_back_can_be_taken_again() {
        let quota = Quota::new(3, 1);
        let take = |server, user| quota.take(&claim(server, user)).map_err(|full| (server, full));
        let first = take("a", Some("u")).unwrap();
        assert_eq!(take("b", Some("u")).err(), Some(("b", Full::User)));
        let second = take("a", None).unwrap();
        assert_eq!(take("a", Some("v")).err(), Some(("a", Full::Server)));
        let _third = take("b", None).unwrap();
        assert_eq!(take("c", None).err(), Some(("c", Full::All)));
        assert_eq!(quota.by_server().len(), 2);
        drop((first, second));
        assert!(take("b", Some("u")).is_ok());
        assert_eq!(quota.by_server().len(), 1, "nothing is kept of what is gone");
        quota.close();
        assert_eq!(take("b", None).err(), Some(("b", Full::Closed)));
    }
}
