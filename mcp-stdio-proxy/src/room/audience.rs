//! What a server says unasked: to which session and on which stream it goes
//! (Streamable HTTP, "Sending Messages to the Server" §6, "Listening for Messages").

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Room;
use super::roots::LIST;
use crate::child::{Audience, Child};
use crate::protocol::error;
use crate::protocol::message::{self, Envelope, Kind};
use crate::protocol::splice::{self, Payload, span};
use crate::protocol::version::Era;
use crate::session::Session;
use crate::stream::{Stream, Weight};
use crate::sync::lock;
use crate::translate::log as levels;
use crate::translate::subscription::{self, UPDATED};

/// Requests of a server that wait for a client, per room.
const ASKS: usize = 256;

/// A request of the server, on its way to a client.
pub(super) struct Ask {
    /// The text of the server's id.
    id: Box<str>,
    /// The process that asked.
    pid: u32,
    stream: Arc<Stream>,
    since: Instant,
    /// The session whose roots it asks for.
    rooted: Option<Arc<Session>>,
}

/// An id for a request to a client. Ids of servers repeat, after a restart at the latest; ours do not.
pub(super) fn next_ask() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Audience for Room {
    fn heard(&self, child: &Arc<Child>, line: &Bytes, envelope: &Envelope<'_>) {
        if self.pairing.clients == Era::Modern {
            return self.heard_for_modern(child, line, envelope);
        }
        if self.is_upgraded() {
            return self.heard_upgraded(child, line, envelope);
        }
        match (envelope.kind, &*envelope.method) {
            (Kind::Response, _) => log::debug!("{}: an answer nobody waits for", child.server),
            // Whether a client is connected says nothing about the session being alive.
            (Kind::Request, "ping") => {
                let answer = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, envelope.id);
                child.post(splice::line(&answer, &mut []));
            }
            (Kind::Request, _) => self.ask(child, line, envelope),
            (_, "notifications/cancelled") => self.withdraw(child, line, envelope),
            _ => self.tell(child, line, envelope),
        }
    }
}

impl Room {
    /// Sends a request of the server to the one client it must be meant for.
    fn ask(&self, child: &Arc<Child>, line: &Bytes, envelope: &Envelope<'_>) {
        let refuse = |code, why: &str| {
            child.post(splice::line(&error::answer(envelope.id, code, why), &mut []));
        };
        // Shared among users, a server cannot say whom it asks.
        if self.is_shared() {
            return refuse(error::METHOD_NOT_FOUND, "clients of a shared server take no requests");
        }
        if self.answer_roots(child, envelope) {
            return;
        }
        let Some(stream) = self.addressee(child) else {
            return refuse(error::INTERNAL, "no client is connected");
        };
        let Some(range) = text_of(line).and_then(|text| span(text, envelope.id)) else { return };
        let id = next_ask();
        {
            let mut asks = lock(&self.asks);
            if asks.len() >= ASKS {
                return refuse(error::INTERNAL, "too many requests wait for the client");
            }
            let ask = Ask {
                id: envelope.id.into(),
                pid: child.pid,
                stream: Arc::clone(&stream),
                since: Instant::now(),
                rooted: (envelope.method == LIST).then(|| self.asked_session(child)).flatten(),
            };
            asks.insert(id, ask);
        }
        stream.push(Payload::spliced(line, range, &id.to_string()), Weight::Heavy);
    }

    /// The stream of the newest call, or of the session last heard, one being read if possible.
    fn addressee(&self, child: &Child) -> Option<Arc<Stream>> {
        let calls = child.calls.streams();
        let call = calls.into_iter().find(|(session, _)| *session != 0).map(|(_, stream)| stream);
        call.or_else(|| {
            let sessions = lock(&self.sessions);
            let last = sessions.iter().max_by_key(|one| (one.standing.is_read(), one.used()));
            last.map(|session| Arc::clone(&session.standing))
        })
    }

    /// Passes a client's answer to the server that asked; whether one had.
    pub fn answer(&self, text: &str, envelope: &Envelope<'_>) -> bool {
        let Ok(id) = envelope.id.trim_matches('"').parse() else { return false };
        if self.rounds.answer(id, envelope) {
            return true;
        }
        let Some(ask) = lock(&self.asks).remove(&id) else { return false };
        let child = self.live().filter(|child| child.pid == ask.pid);
        let (Some(child), Some(range)) = (child, span(text, envelope.id)) else { return false };
        let id = ask.id.clone().into();
        let roots = ask.rooted.and_then(|session| {
            let text = self.with_other_roots(&session, child.pid, text, envelope)?;
            let range = span(&text, message::parse(&text).ok()?.id)?;
            Some((text, range))
        });
        let line = match &roots {
            Some((text, range)) => splice::line(text, &mut [(range.clone(), id)]),
            None => splice::line(text, &mut [(range, id)]),
        };
        child.post(line);
        true
    }

    /// Answers requests of the server that no client has answered for `patience`.
    pub fn expire_asks(&self, child: &Arc<Child>, patience: Duration) {
        self.rounds.tidy(child);
        let overdue = |ask: &Ask| ask.since.elapsed() > patience;
        let expired: Vec<_> = lock(&self.asks).extract_if(|_, ask| overdue(ask)).collect();
        for (_, ask) in expired {
            let answer = error::answer(&ask.id, error::INTERNAL, "no client has answered");
            child.post(splice::line(&answer, &mut []));
        }
    }

    /// The server no longer wants an answer.
    fn withdraw(&self, child: &Child, line: &Bytes, envelope: &Envelope<'_>) {
        let Some(theirs) = envelope.params.and_then(message::cancelled_request) else { return };
        let mut asks = lock(&self.asks);
        let ours = |ask: &Ask| &*ask.id == theirs && ask.pid == child.pid;
        let Some(id) = asks.iter().find(|(_, ask)| ours(ask)).map(|(id, _)| *id) else { return };
        let (Some(ask), Some(text)) = (asks.remove(&id), text_of(line)) else { return };
        if let Some(range) = span(text, theirs) {
            ask.stream.push(Payload::spliced(line, range, &id.to_string()), Weight::Light);
        }
    }

    /// Passes a notification on: to the only call it can be about, else once to each session.
    pub(super) fn tell(&self, child: &Child, line: &Bytes, envelope: &Envelope<'_>) {
        let payload = Payload::from(line.clone());
        let mut calls = child.calls.streams();
        calls.retain(|(session, _)| *session != 0);
        // What changed is everyone's business and outlives the call.
        let change = envelope.method.ends_with("list_changed") || envelope.method == UPDATED;
        if self.is_shared() {
            return self.tell_all(child, &calls, &payload, envelope);
        }
        let is_log = envelope.method == "notifications/message" && self.sessions() > 1;
        if is_log {
            let hears = self.hears(levels::level_of(envelope.params));
            if let [(serial, stream)] = calls.as_slice() {
                let is_meant = |one: &Arc<Session>| one.serial != *serial || hears(one);
                if lock(&self.sessions).iter().all(is_meant) {
                    stream.push(payload, Weight::Light);
                    child.pressure.note(stream);
                }
                return;
            }
            return self.tell_sessions(child, &calls, &payload, hears);
        }
        if let ([(_, stream)], false) = (calls.as_slice(), change) {
            stream.push(payload, Weight::Light);
            return child.pressure.note(stream);
        }
        let uri = (envelope.method == UPDATED && self.sessions() > 1)
            .then(|| envelope.params.and_then(subscription::uri))
            .flatten();
        let is_known = |uri: &String| lock(&self.sessions).iter().any(|one| one.watches(uri));
        match uri.filter(is_known) {
            Some(uri) => self.tell_sessions(child, &calls, &payload, |one| one.watches(&uri)),
            None => self.tell_sessions(child, &calls, &payload, |_| true),
        }
    }

    /// Passes on what is no user's own: that a list has changed, and a resource to those that watch it. Which
    /// user anything else is about cannot be told, also if only one has a call in flight: it may be about one
    /// that has just ended.
    fn tell_all(
        &self,
        child: &Child,
        calls: &[(u64, Arc<Stream>)],
        payload: &Payload,
        envelope: &Envelope<'_>,
    ) {
        if envelope.method == UPDATED {
            let Some(uri) = envelope.params.and_then(subscription::uri) else { return };
            self.tell_sessions(child, calls, payload, |session| session.watches(&uri));
        } else if subscription::is_change(&envelope.method) {
            self.tell_sessions(child, calls, payload, |_| true);
        }
    }

    /// Passes a message on, once to each session that `is_meant`: on the stream that it has for what is
    /// said unasked, or on that of a call if nobody reads the former.
    pub(super) fn tell_sessions(
        &self,
        child: &Child,
        calls: &[(u64, Arc<Stream>)],
        payload: &Payload,
        is_meant: impl Fn(&Session) -> bool,
    ) {
        for session in lock(&self.sessions).iter().filter(|session| is_meant(session)) {
            let call = calls.iter().find(|(serial, _)| *serial == session.serial);
            let stream = match call {
                Some((_, stream)) if !session.standing.is_read() => stream,
                _ => &session.standing,
            };
            stream.push(payload.clone(), Weight::Light);
            child.pressure.note(stream);
        }
    }
}

fn text_of(line: &Bytes) -> Option<&str> {
    std::str::from_utf8(line).ok()
}
