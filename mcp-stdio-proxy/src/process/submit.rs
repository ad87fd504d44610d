//! Sending requests to a server process: an id of the proxy's own, the registration of the call, the message under
//! that id, and the end of a call that nothing waits for any more.

use std::sync::Arc;

use bytes::Bytes;

use super::Process;
use super::call::Call;
use super::calls::SubmitError;
use crate::messages::json_edit::JsonEdit;
use crate::messages::stream::Stream;

impl Process {
    /// Registers `call` and sends its message, which `message` makes of the id of the request. Returns the id.
    ///
    /// Sends nothing yet if `message` returns `None`. If the access of the call is revoked by the time the message
    /// is sent, the call fails and the server is told to cancel it.
    pub fn submit(
        &self,
        call: Call,
        message: impl FnOnce(u64) -> Option<Bytes>,
    ) -> Result<u64, SubmitError> {
        let admission = call.admission.clone();
        let id = self.register(call)?;
        if let Some(line) = message(id) {
            self.post(line);
            self.settle(id, admission.as_ref());
        }
        Ok(id)
    }

    /// Registers `call`, whose message is sent later. Returns the id of the request.
    pub fn register(&self, call: Call) -> Result<u64, SubmitError> {
        if self.is_backed_up() {
            return Err(SubmitError::Full);
        }
        let id = self.calls.next_id();
        self.calls.add(id, call)?;
        Ok(id)
    }

    /// Sends a request that is no call, such as a subscription. `message` makes it of its id, which is returned.
    pub fn submit_unregistered(&self, message: impl FnOnce(u64) -> Bytes) -> u64 {
        let id = self.calls.next_id();
        self.post(message(id));
        id
    }

    /// Sends a request of the proxy and ignores the answer.
    pub fn submit_ignoring(&self, method: &str, params: &str) {
        self.submit_unregistered(|id| request(id, method, params));
    }
}

/// Returns a request of the proxy as a line. `params` is the text of an object.
#[must_use]
pub fn request(id: u64, method: &str, params: &str) -> Bytes {
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
    JsonEdit::of(&text).input()
}

/// Returns the request with the changes `edit` as a line, with `id` in place of the client's id and progress token, which
/// are slices of its text.
#[must_use]
pub fn renumbered(edit: JsonEdit<'_>, (client_id, token): (&str, Option<&str>), id: u64) -> Bytes {
    let theirs = [Some(client_id), token].into_iter().flatten();
    theirs.fold(edit, |edit, part| edit.replace(part, id.to_string())).input()
}

/// A registered request whose answer is waited for. Dropping it ends the call, unless it has an answer.
pub struct Pending {
    /// The server process.
    pub process: Arc<Process>,
    /// The id of the request.
    pub id: u64,
    /// The stream of the answer.
    pub stream: Arc<Stream>,
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.process.calls.take_of(self.id, &self.stream).is_some() {
            self.process.cancel(self.id, "the client has left");
        }
    }
}
