//! Periodic housekeeping: timeouts, idle eviction, session expiry, reload, shutdown.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::SessionRegistry;
use crate::bridge::connector;
use crate::config::catalogue::Catalogue;
use crate::instances::bridge::Bridge;
use crate::instances::instance::ServerInstance;
use crate::instances::server::Server;
use crate::messages::error;
use crate::process::time::MAXIMUM_FACTOR;

/// The interval of housekeeping, if the idle timeout is not shorter.
const EVERY: Duration = Duration::from_secs(1);
/// The minimum interval of housekeeping.
const SHORTEST: Duration = Duration::from_millis(50);
/// The maximum number of warm processes started per run.
const STARTS: usize = 4;
/// The time that the process of a changed server gets to complete its pending work.
const RENEWAL: Duration = Duration::from_mins(1);
/// The part of the drain timeout that servers may use for their own shutdown, if requests in flight do not
/// need it.
const LEISURE: Duration = Duration::from_millis(800);

impl SessionRegistry {
    /// Runs housekeeping, forever.
    pub async fn run_housekeeping(self: Arc<Self>) {
        let every = EVERY.min(self.settings.timeouts.idle_timeout).max(SHORTEST);
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.sweep();
        }
    }

    fn sweep(self: &Arc<Self>) {
        self.pool.reap();
        // For a process that was started while its grant was being revoked.
        self.end_disowned();
        for instance in self.instances() {
            if let Some(bridge) = instance.live() {
                let process = bridge.process();
                fail_overdue(&instance, &*bridge);
                let is_idle = process.idle() > self.settings.timeouts.idle_timeout;
                if is_idle && process.calls.is_empty() && !instance.is_in_use() {
                    log::info!("{}[{}] is idle; ended", process.server, process.pid);
                    instance.retire();
                }
            } else if instance.is_missed() && !self.is_draining() {
                let (registry, instance) = (Arc::clone(self), Arc::clone(&instance));
                // A failure is logged where the process is started.
                tokio::spawn(async move { registry.bridge(&instance).await.map(drop) });
            }
            for id in instance.expire(self.settings.timeouts.session_timeout) {
                self.end(&id);
            }
            if instance.is_empty() {
                self.remove(&instance);
            }
        }
        self.servers().iter().for_each(|server| server.connector.expire());
        if !self.is_draining() {
            // A few at a time, so that many servers do not all start at once.
            self.servers().iter().filter(|server| server.prewarm()).take(STARTS).for_each(drop);
        }
    }

    /// Applies a catalogue. Unchanged servers are not affected.
    pub fn apply(&self, catalogue: &Catalogue) {
        let mut servers = self.servers.lock();
        let (mut changed, mut removed) = (Vec::new(), Vec::new());
        servers.retain(|name, server| match catalogue.servers.get(name) {
            Some(config) if *config == server.config() => true,
            Some(config) => {
                server.set_config(Arc::clone(config));
                changed.push(Arc::clone(name));
                true
            }
            None => {
                server.starter.end_warm();
                removed.push(Arc::clone(name));
                false
            }
        });
        for (name, config) in &catalogue.servers {
            servers.entry(Arc::clone(name)).or_insert_with(|| {
                let (settings, pool) = (Arc::clone(&self.settings), Arc::clone(&self.pool));
                let connector = connector(name, settings.timeouts.input_timeout);
                Server::new((Arc::clone(name), Arc::clone(config)), settings, pool, connector)
            });
        }
        drop(servers);
        for instance in self.instances() {
            if changed.contains(&instance.server.name) {
                instance.renew(RENEWAL);
            } else if removed.contains(&instance.server.name) {
                self.forget(&instance);
            }
        }
    }

    /// Removes an instance with all its sessions.
    pub(super) fn forget(&self, instance: &Arc<ServerInstance>) {
        self.bindings.lock().retain(|_, binding| !Arc::ptr_eq(&binding.instance, instance));
        self.remove(instance);
    }

    /// Rejects new work, drains requests in flight until the deadline, then stops all processes.
    pub async fn shut_down(&self) {
        self.draining.store(true, Ordering::SeqCst);
        let start = Instant::now();
        let busy = || self.pool.all().iter().any(|process| !process.calls.is_empty());
        let drained = async {
            while busy() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(self.settings.timeouts.drain_timeout, drained).await.is_err() {
            log::warn!("requests are still in flight after the deadline; they are dropped");
        }
        for instance in self.instances() {
            self.forget(&instance);
        }
        let left = self.settings.timeouts.drain_timeout.saturating_sub(start.elapsed());
        self.pool.end_all(left.min(LEISURE)).await;
    }
}

/// Fails overdue requests, and cancels them at the server ("SHOULD issue a cancellation").
fn fail_overdue(instance: &ServerInstance, bridge: &dyn Bridge) {
    let Some(timeout) = instance.server.request_timeout() else { return };
    bridge.expire(timeout);
    let process = bridge.process();
    for (id, call) in process.calls.take_overdue(timeout) {
        process.cancel(id, "timeout");
        let server = &process.server;
        let why = if call.time.is_past_maximum(timeout) {
            let seconds = timeout.saturating_mul(MAXIMUM_FACTOR).as_secs();
            format!("server \"{server}\" did not finish the request within {seconds} s")
        } else {
            let seconds = timeout.as_secs();
            format!("server \"{server}\" made no progress on the request for {seconds} s")
        };
        call.fail(error::NOT_FOUND, &why);
    }
}
