//! Requests of a legacy server to a legacy client. A request waits until a stream to the client opens: its
//! GET stream, or the response to its next POST. Many clients never open a GET stream (Streamable HTTP,
//! "Sending Messages to the Server" §6, "Listening for Messages").

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::ServerInstance;
use super::ask::{Ask, At, next_ask};
use super::roots::LIST;
use crate::instances::session::Session;
use crate::messages::error;
use crate::messages::ids;
use crate::messages::message::{self, Envelope};
use crate::messages::splice::{self, Payload, span};
use crate::messages::stream::{Stream, Weight};
use crate::process::Process;
use crate::process::time::Time;

/// The maximum number of pending server requests per instance.
const ASKS: usize = 256;
/// The maximum size in bytes of the server requests not sent to any client yet, per instance.
const WAITING_BYTES: usize = 4 << 20;

/// The time that a client's request is held until the client has answered the earlier requests of the server.
const HELD: Duration = Duration::from_secs(2);
/// The time for which a server may process an answer before the next request is sent. server-filesystem, for
/// example, checks the roots that it receives.
pub const SETTLING: Duration = Duration::from_millis(150);

impl ServerInstance {
    /// Sends a request of the server to the only client it can be meant for, or queues it.
    pub(super) fn ask(&self, process: &Arc<Process>, line: &Bytes, envelope: &Envelope<'_>) {
        let refuse = |code, why: &str| {
            process.post(splice::line(&error::answer(envelope.id, code, why), &mut []));
        };
        // A server shared among users cannot indicate which client it means.
        if self.is_shared() {
            return refuse(
                error::METHOD_NOT_FOUND,
                "clients of a shared server accept no requests",
            );
        }
        if self.answer_roots(process, envelope) {
            return;
        }
        let text = std::str::from_utf8(line).unwrap_or_default();
        let Some(range) = span(text, envelope.id) else { return };
        let id = next_ask();
        let payload = Payload::spliced(line, range, &id.to_string());
        // Locked from here on, so that no stream opens unnoticed.
        let mut asks = self.same_era.asks.lock();
        let (session, way) = self.way(process);
        let waiting: usize = asks.values().map(Ask::waits).sum();
        let too_long = way.is_none() && waiting + payload.len() > WAITING_BYTES;
        if asks.len() >= ASKS || too_long {
            return refuse(error::INTERNAL, "too many requests wait for the client");
        }
        let at = match way {
            Some(way) if way.push_keyed(id, payload.clone()) => At::On(way),
            _ => At::Waiting(payload),
        };
        let ask = Ask {
            id: envelope.id.into(),
            pid: process.pid,
            token: envelope.params.and_then(message::asked_progress).map(Into::into),
            session,
            is_for_roots: envelope.method == LIST,
            at,
            time: Time::default(),
        };
        asks.insert(id, ask);
    }

    /// Returns the session that a server request must be meant for, if that is known, and a stream that its
    /// client reads. That is the stream of the newest call, otherwise the standing stream of the most
    /// recently used session.
    fn way(&self, process: &Process) -> (Option<u64>, Option<Arc<Stream>>) {
        let mut calls = process.calls.streams().into_iter().filter(|(session, _)| *session != 0);
        let newest = calls.next();
        if let Some((session, stream)) = &newest
            && stream.is_read()
        {
            return (Some(*session), Some(Arc::clone(stream)));
        }
        let asked = newest.map(|(session, _)| session);
        let sessions = self.sessions.lock();
        let can_read = |one: &&Arc<Session>| {
            one.standing.is_read() && asked.is_none_or(|session| session == one.serial)
        };
        let reader = sessions.iter().filter(can_read).max_by_key(|one| one.used());
        match reader {
            Some(session) => (Some(session.serial), Some(Arc::clone(&session.standing))),
            None => (asked, None),
        }
    }

    /// Moves the queued requests for the client of `session` to `stream`, which it is about to read. Returns
    /// the ids of the requests that it should answer before it is served: the moved ones and a pending
    /// request for roots.
    pub fn deliver(&self, session: &Session, stream: &Arc<Stream>) -> Vec<u64> {
        let mut open = Vec::new();
        let mut asks = self.same_era.asks.lock();
        if !asks.is_empty() && !stream.is_closed() {
            let theirs = |ask: &Ask| ask.session.is_none_or(|serial| serial == session.serial);
            let mut theirs: Vec<_> = asks.iter_mut().filter(|(_, ask)| theirs(ask)).collect();
            theirs.sort_unstable_by_key(|(id, _)| **id);
            for (id, ask) in theirs {
                let Some(payload) = ask.recall(*id) else {
                    open.extend((ask.is_for_roots && !ask.time.is_over(HELD)).then_some(*id));
                    continue;
                };
                if !stream.push_keyed(*id, payload.clone()) {
                    ask.at = At::Waiting(payload);
                    continue;
                }
                ask.at = At::On(Arc::clone(stream));
                ask.session = Some(session.serial);
                open.push(*id);
            }
        }
        drop(asks);
        if self.is_upgraded() {
            self.to_modern.rounds.deliver(session.serial, stream);
        }
        if !Arc::ptr_eq(stream, &session.standing) {
            session.standing.hand_over(stream);
        }
        open
    }

    /// Reverts `deliver` for a stream that no client will read.
    pub fn take_back(&self, session: &Session, stream: &Arc<Stream>) {
        stream.abandon();
        stream.hand_over(&session.standing);
    }

    /// Returns `true` if the server received roots so recently that it may still be processing them.
    pub fn is_settling(&self) -> bool {
        self.same_era.told_roots.lock().is_some_and(|told| told.elapsed() < SETTLING)
    }

    /// Waits until the client has answered the requests `ids`, for a limited time, and until the server has
    /// processed the answers.
    pub async fn answered(&self, ids: &[u64]) {
        let all = async {
            loop {
                let answered = self.same_era.heard_back.notified();
                let mut answered = std::pin::pin!(answered);
                answered.as_mut().enable();
                let open = ids.iter().any(|id| self.same_era.asks.lock().contains_key(id));
                if !open {
                    return;
                }
                answered.await;
            }
        };
        if tokio::time::timeout(HELD, all).await.is_ok() {
            tokio::time::sleep(SETTLING).await;
        }
    }

    /// Forwards a client's response to the server. Returns `true` if the server was waiting for it.
    pub fn answer(&self, text: &str, envelope: &Envelope<'_>) -> bool {
        let Some(id) = ids::number(envelope.id) else { return false };
        if self.to_modern.rounds.answer(id, envelope) {
            return true;
        }
        let Some(ask) = self.same_era.asks.lock().remove(&id) else { return false };
        let process = self.live().filter(|process| process.pid == ask.pid);
        let (Some(process), Some(range)) = (process, span(text, envelope.id)) else { return false };
        let id = ask.id.into();
        let asked = ask.session.filter(|_| ask.is_for_roots);
        let session = asked.and_then(|serial| self.session(serial));
        let roots = session.and_then(|session| {
            let text = self.with_other_roots(&session, process.pid, text, envelope)?;
            let range = span(&text, message::parse(&text).ok()?.id)?;
            Some((text, range))
        });
        process.post(match &roots {
            Some((text, range)) => splice::line(text, &mut [(range.clone(), id)]),
            None => splice::line(text, &mut [(range, id)]),
        });
        if ask.is_for_roots {
            *self.same_era.told_roots.lock() = Some(Instant::now());
        }
        self.same_era.heard_back.notify_waiters();
        true
    }

    /// Records progress of a client on a request of the server. `params` are those of the notification.
    pub fn progressed(&self, params: &str) {
        let Some(token) = message::progress_token(params) else { return };
        let theirs = |ask: &Ask| ask.token.as_ref().is_some_and(|one| ids::same(one, token));
        self.same_era
            .asks
            .lock()
            .values_mut()
            .filter(|ask| theirs(ask))
            .for_each(|ask| ask.time.restart());
    }

    /// Answers server requests that no client has answered for `patience` with an error.
    pub fn expire_asks(&self, process: &Arc<Process>, patience: Duration) {
        self.to_modern.rounds.tidy(process);
        self.expire_questions(process, patience);
        let overdue = |ask: &Ask| ask.time.is_over(patience);
        let expired: Vec<_> = self.same_era.asks.lock().extract_if(|_, ask| overdue(ask)).collect();
        for (id, mut ask) in expired {
            // A client that connects later must not receive an expired request.
            let _unread = ask.recall(id);
            let answer = error::answer(&ask.id, error::INTERNAL, "no client has answered");
            process.post(splice::line(&answer, &mut []));
        }
    }

    /// Handles a cancellation by the server of its own request.
    pub(super) fn withdraw(&self, process: &Process, line: &Bytes, envelope: &Envelope<'_>) {
        let Some(theirs) = envelope.params.and_then(message::cancelled_request) else { return };
        let ours = |ask: &Ask| ids::same(&ask.id, theirs) && ask.pid == process.pid;
        let (id, mut ask) = {
            let mut asks = self.same_era.asks.lock();
            let found = asks.iter().find(|(_, ask)| ours(ask)).map(|(id, _)| *id);
            let Some((id, ask)) = found.and_then(|id| Some((id, asks.remove(&id)?))) else {
                return;
            };
            (id, ask)
        };
        if ask.recall(id).is_some() {
            return;
        }
        let text = std::str::from_utf8(line).unwrap_or_default();
        let (At::On(stream), Some(range)) = (ask.at, span(text, theirs)) else { return };
        let payload = Payload::spliced(line, range, &id.to_string());
        if stream.is_read() && stream.push(payload.clone(), Weight::Light) {
            return;
        }
        let sessions = self.sessions.lock();
        let session = sessions.iter().find(|one| Some(one.serial) == ask.session);
        if let Some(session) = session {
            session.standing.push(payload, Weight::Light);
        }
    }
}
