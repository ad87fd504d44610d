//! Audit events of the proxies, which are read on their inner interfaces and added to the stream in Redis.
//!
//! A proxy runs programs of others, so it is believed only what a proxy can know: calls, sessions and failures of
//! servers, and not of a server that has a proxy of its own.

use std::{collections::HashSet, time::Duration};

use gateway_contract::audit::{Event, EventKind, is_id};
use tokio::time::sleep;

use crate::{
    model::Chain,
    oauth::{Core, Error},
    store::FeedReader,
};

/// The interval between two reads. What a proxy has not handed on when it is killed is in its own file alone.
const INTERVAL: Duration = Duration::from_millis(500);

/// The maximum length of an event, in bytes. A proxy writes at most some two thousand.
const LONGEST: usize = 8 << 10;

/// The name of the proxy's program in its events.
const PROGRAM: &str = "mcp-stdio-proxy@";

impl Core {
    /// Reads the events of all proxies, as long as no other instance does. Never returns, unless there are no proxies.
    pub async fn follow_proxy_events(&self) {
        let names = self.reports.proxy_names();
        let (mut reader, mut failing) = (FeedReader::default(), HashSet::new());
        while !names.is_empty() {
            for name in &names {
                let read = Box::pin(self.read_proxy(&mut reader, name)).await;
                match read {
                    Ok(()) => drop(failing.remove(name)),
                    Err(error) if failing.insert(name.clone()) => {
                        log::warn!(
                            "cannot read the audit events of proxy {name}: {}",
                            Chain(&error)
                        );
                    }
                    Err(_) => {}
                }
            }
            sleep(INTERVAL).await;
        }
    }

    /// Adds all events that the proxy `name` has now.
    async fn read_proxy(&self, reader: &mut FeedReader, name: &str) -> Result<(), Error> {
        let audit = &self.store.audit;
        let mut position = None;
        while audit.reads_feeds(reader).await? {
            let after = match position {
                Some(after) => after,
                None => audit.feed_position(name).await?,
            };
            let page = self.reports.events(name, after).await;
            let page = page.map_err(|error| Error::Internal(Box::new(error)))?;
            if page.lost > 0 {
                let reason = format!("the events of proxy {name} were not read in time");
                audit.tell(audit.draft(EventKind::AuditLost).failed(&reason).count(page.lost));
            }
            if page.events.is_empty() && page.after == after {
                return Ok(());
            }
            let others = self.reports.proxy_names();
            let lines: Vec<&str> = page.events.iter().map(|event| event.get()).collect();
            let total = lines.len();
            let lines: Vec<&str> =
                lines.into_iter().filter(|line| is_credible(line, name, &others)).collect();
            if lines.len() < total {
                log::warn!("proxy {name} has {} events that are not its own", total - lines.len());
            }
            audit.add_from(name, &lines, page.after).await?;
            position = Some(page.after);
        }
        Ok(())
    }
}

/// Returns `true` for an event that the proxy `name` can have written. `others` are the names of all proxies.
fn is_credible(line: &str, name: &str, others: &[String]) -> bool {
    let Some(event) = Some(line)
        .filter(|line| line.len() <= LONGEST)
        .and_then(|line| serde_json::from_str::<Event<'_>>(line).ok())
    else {
        return false;
    };
    let is_of_proxy = matches!(
        event.event,
        EventKind::ToolCalled
            | EventKind::ToolRefused
            | EventKind::SessionStarted
            | EventKind::SessionEnded
            | EventKind::ServerFailed
            | EventKind::AuditLost
    );
    let server = event.server.as_deref().unwrap_or(name);
    let is_foreign = server != name && others.iter().any(|other| other == server);
    is_of_proxy && !is_foreign && is_id(&event.id) && event.by.starts_with(PROGRAM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_believed_only_what_it_can_know() {
        let event = |kind: &str, server: &str, by: &str| {
            format!(
                r#"{{"v":1,"id":"0197a1b2-c3d4-7000-8f21-6b0d5a4f3e2c","time":"t","event":"{kind}","outcome":"ok","server":"{server}","by":"{by}"}}"#
            )
        };
        let others = ["file".to_owned(), "time".to_owned()];
        let believed = |line: &str| is_credible(line, "file", &others);
        assert!(believed(&event("tool.called", "git", "mcp-stdio-proxy@h")));
        assert!(believed(&event("session.ended", "file", "mcp-stdio-proxy@h")));
        assert!(!believed(&event("tool.called", "time", "mcp-stdio-proxy@h")));
        assert!(!believed(&event("grant.created", "git", "mcp-stdio-proxy@h")));
        assert!(!believed(&event("tool.called", "git", "auth-service@h")));
        let long = event("tool.called", &"x".repeat(LONGEST), "mcp-stdio-proxy@h");
        assert!(!believed(&long) && !believed("{}") && !believed("x"));
    }
}
