//! Requests of a legacy server to a legacy client. A request waits until a stream to the client opens: its
//! GET stream, or the response to its next POST. Many clients never open a GET stream (Streamable HTTP,
//! "Sending Messages to the Server" §6, "Listening for Messages").

use std::sync::Arc;
use std::time::Duration;

use super::legacy::LegacyBridge;
use super::roots::LIST;
use super::server_request::{Place, ServerRequest};
use crate::bridge::client_ids::next_client_id;
use crate::bridge::requests::SETTLING;
use crate::instances::session::Session;
use crate::messages::error;
use crate::messages::ids;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope};
use crate::messages::stream::{Stream, Weight};
use crate::process::time::Time;

/// The maximum number of pending server requests per instance.
const REQUESTS: usize = 256;
/// The maximum size in bytes of the server requests not sent to any client yet, per instance.
const QUEUED_BYTES: usize = 4 << 20;
/// The time that a client's request is held until the client has answered the earlier requests of the server.
const HELD: Duration = Duration::from_secs(2);

impl LegacyBridge {
    /// Sends a request of the server to the client of the newest call, otherwise to the most recently used session with
    /// an open stream. Queues it if there is neither.
    pub(super) fn ask(&self, line: &Line, envelope: &Envelope<'_>) {
        let refuse = |code, why: &str| {
            let answer = error::answer(envelope.id, code, why);
            self.connection.process.post(JsonEdit::of(&answer).input());
        };
        // A server shared among users cannot indicate which client it means.
        if self.connection.key.is_shared() {
            return refuse(
                error::METHOD_NOT_FOUND,
                "clients of a shared server accept no requests",
            );
        }
        if self.answer_roots(envelope) {
            return;
        }
        let id = next_client_id();
        let edit = JsonEdit::of(line.text()).replace(envelope.id, id.to_string());
        let payload = edit.payload(line);
        // Locked from here on, so that no stream opens unnoticed.
        let mut requests = self.requests.lock();
        let (session, stream) = self.addressee();
        let queued: usize = requests.values().map(ServerRequest::queued).sum();
        let is_too_long = stream.is_none() && queued + payload.len() > QUEUED_BYTES;
        if requests.len() >= REQUESTS || is_too_long {
            return refuse(error::INTERNAL, "too many requests wait for the client");
        }
        let place = match stream {
            Some(stream) if stream.push_keyed(id, payload.clone()) => Place::Stream(stream),
            _ => Place::Queue(payload),
        };
        let request = ServerRequest {
            id: envelope.id.into(),
            token: envelope.params.and_then(message::asked_progress).map(Into::into),
            session,
            is_for_roots: envelope.method == LIST,
            place,
            time: Time::default(),
        };
        requests.insert(id, request);
    }

    /// Returns the session that a server request must be meant for, if that is known, and a stream that its
    /// client reads. That is the stream of the newest call, otherwise the standing stream of the most
    /// recently used session.
    fn addressee(&self) -> (Option<u64>, Option<Arc<Stream>>) {
        let calls = self.connection.process.calls.streams();
        let newest = calls.into_iter().find(|(session, _)| *session != 0);
        if let Some((session, stream)) = &newest
            && stream.is_read()
        {
            return (Some(*session), Some(Arc::clone(stream)));
        }
        let asked = newest.map(|(session, _)| session);
        let sessions = self.connection.clients.sessions();
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
    pub(super) fn deliver_requests(&self, session: &Session, stream: &Arc<Stream>) -> Vec<u64> {
        let mut open = Vec::new();
        let mut requests = self.requests.lock();
        if requests.is_empty() || stream.is_closed() {
            return open;
        }
        let is_theirs =
            |one: &ServerRequest| one.session.is_none_or(|serial| serial == session.serial);
        let mut theirs: Vec<_> = requests.iter_mut().filter(|(_, one)| is_theirs(one)).collect();
        theirs.sort_unstable_by_key(|(id, _)| **id);
        for (id, request) in theirs {
            let Some(payload) = request.recall(*id) else {
                let is_awaited = request.is_for_roots && !request.time.is_over(HELD);
                open.extend(is_awaited.then_some(*id));
                continue;
            };
            if !stream.push_keyed(*id, payload.clone()) {
                request.place = Place::Queue(payload);
                continue;
            }
            request.place = Place::Stream(Arc::clone(stream));
            request.session = Some(session.serial);
            open.push(*id);
        }
        open
    }

    /// Waits until the client has answered the requests `ids`, for a limited time, and until the server has
    /// processed the answers.
    pub(super) async fn wait_for_answers(&self, ids: &[u64]) {
        let all = async {
            loop {
                let answered = self.answered.notified();
                let mut answered = std::pin::pin!(answered);
                answered.as_mut().enable();
                let is_open = ids.iter().any(|id| self.requests.lock().contains_key(id));
                if !is_open {
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
    pub(super) fn forward_response(&self, text: &str, envelope: &Envelope<'_>) -> bool {
        let Some(id) = ids::number(envelope.id) else { return false };
        let Some(request) = self.requests.lock().remove(&id) else { return false };
        let asked = request.session.filter(|_| request.is_for_roots);
        let session = asked.and_then(|serial| self.connection.clients.session(serial));
        let edit = JsonEdit::of(text).replace(envelope.id, &*request.id);
        let edit = match session {
            Some(session) => self.with_other_roots(&session, edit, envelope),
            None => edit,
        };
        self.connection.process.post(edit.input());
        if request.is_for_roots {
            self.roots.sent();
        }
        self.answered.notify_waiters();
        true
    }

    /// Records progress of a client on a request of the server. `params` are those of the notification.
    pub(super) fn record_progress(&self, params: &str) {
        let Some(token) = message::progress_token(params) else { return };
        let is_meant =
            |one: &ServerRequest| one.token.as_ref().is_some_and(|one| ids::same(one, token));
        let mut requests = self.requests.lock();
        requests.values_mut().filter(|one| is_meant(one)).for_each(|one| one.time.restart());
    }

    /// Answers server requests that no client has answered for `timeout` with an error.
    pub(super) fn expire_requests(&self, timeout: Duration) {
        self.fail_requests(|one| one.time.is_over(timeout), "no client has answered");
    }

    /// Answers the server requests to `session`, which has ended, with an error.
    pub(super) fn fail_requests_to(&self, session: &Session) {
        self.fail_requests(|one| one.session == Some(session.serial), "the client has left");
    }

    fn fail_requests(&self, is_meant: impl Fn(&ServerRequest) -> bool, why: &str) {
        let failed: Vec<_> = self.requests.lock().extract_if(|_, one| is_meant(one)).collect();
        for (id, mut request) in failed {
            // A client that connects later must not receive a request that has an answer.
            let _unread = request.recall(id);
            let answer = error::answer(&request.id, error::INTERNAL, why);
            self.connection.process.post(JsonEdit::of(&answer).input());
        }
    }

    /// Handles a cancellation by the server of its own request.
    pub(super) fn withdraw(&self, line: &Line, envelope: &Envelope<'_>) {
        let Some(theirs) = envelope.params.and_then(message::cancelled_request) else { return };
        let is_meant = |one: &ServerRequest| ids::same(&one.id, theirs);
        let withdrawn = self.requests.lock().extract_if(|_, one| is_meant(one)).next();
        let Some((id, mut request)) = withdrawn else { return };
        if request.recall(id).is_some() {
            return;
        }
        let Place::Stream(stream) = request.place else { return };
        let payload = JsonEdit::of(line.text()).replace(theirs, id.to_string()).payload(line);
        if stream.is_read() && stream.push(payload.clone(), Weight::Light) {
            return;
        }
        let session = request.session.and_then(|serial| self.connection.clients.session(serial));
        if let Some(session) = session {
            session.standing.push(payload, Weight::Light);
        }
    }
}
