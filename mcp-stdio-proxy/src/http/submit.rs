//! A request of a client on its way to a server process.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::http_error::HttpError;
use super::modern::param_headers;
use super::{AppState, caller, origin};
use crate::access::audit::ToolCall;
use crate::access::grants::Admission;
use crate::config::catalogue::tool_view::ToolView;
use crate::instances::bridge::{Bridge, ClientRequest, Prepared};
use crate::instances::instance::ServerInstance;
use crate::instances::unavailable::Unavailable;
use crate::messages::error;
use crate::messages::message::{self, Envelope};
use crate::messages::stream::Stream;
use crate::process::Process;
use crate::process::call::{Call, ResponseHandler, ResponseOptions};
use crate::process::calls::SubmitError;
use crate::process::time::Time;

/// The session of calls that have none; zero is the proxy itself.
const NO_SESSION: u64 = u64::MAX;

/// A request to send.
pub(super) struct Submission<'a> {
    /// The request as it arrived.
    pub(super) http: &'a HttpRequest,
    /// The request of the client.
    pub(super) request: ClientRequest<'a>,
    /// The stream of the response.
    pub(super) stream: &'a Arc<Stream>,
    /// The filter for a list of tools in the response.
    pub(super) tools: Option<Arc<ToolView>>,
}

/// The access that a request depends on, and its audit record.
struct Basis {
    admission: Option<Admission>,
    record: Option<Arc<ToolCall>>,
}

/// Sends a request to the process of `instance`, which is started if necessary. Returns the process and the
/// id of the call there, or `None` if the proxy has answered in place of the server.
pub(super) async fn submit(
    app: &AppState,
    instance: &Arc<ServerInstance>,
    submission: Submission<'_>,
) -> Result<Option<(Arc<Process>, u64)>, HttpError> {
    let Submission { http, request, stream, .. } = &submission;
    let envelope = request.envelope;
    let basis = Basis {
        admission: caller::admission(http),
        record: origin::tool_call(http, app, &instance.server.name, envelope),
    };
    // Retries once if the process exited between the lookup and the send.
    for _ in 0..2 {
        let bridge = app.registry.bridge(instance).await?;
        if let (Some(asked), "tools/call") = (request.asked, &*envelope.method) {
            // Boxed, so that the future of a legacy call stays small: it is moved several times.
            Box::pin(param_headers::check(http, &*bridge, asked)).await?;
        }
        let prepared = bridge.prepare(request).await?;
        // Revoked while the process was started: the server never hears of it.
        caller::check_admission(basis.admission.as_ref())?;
        let Prepared::Request { text, handler, options } = prepared else {
            let done = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, envelope.id);
            stream.answer(done.into());
            return Ok(None);
        };
        let sent = match &text {
            std::borrow::Cow::Borrowed(text) => {
                send(&*bridge, &submission, &basis, (text, envelope), (handler, options))
            }
            std::borrow::Cow::Owned(text) => {
                let envelope = message::parse(text)?;
                send(&*bridge, &submission, &basis, (text, &envelope), (handler, options))
            }
        };
        match sent {
            Ok(id) => return Ok(Some((Arc::clone(bridge.process()), id))),
            Err(SubmitError::Gone) => {}
            Err(SubmitError::Full) => {
                let what = "too many requests are in flight";
                return Err(Unavailable::Busy { what }.into());
            }
        }
    }
    let why = format!("server \"{}\" ended before it could be asked", instance.server.name);
    Err(HttpError::answer(error::INTERNAL, why))
}

fn send(
    bridge: &dyn Bridge,
    submission: &Submission<'_>,
    basis: &Basis,
    (text, envelope): (&str, &Envelope<'_>),
    (handler, options): (Option<Arc<dyn ResponseHandler>>, ResponseOptions),
) -> Result<u64, SubmitError> {
    let token = envelope.params.and_then(message::asked_progress);
    let call = Call {
        id: envelope.id.into(),
        token: token.map(Into::into),
        stream: Arc::clone(submission.stream),
        session: submission.request.session.map_or(NO_SESSION, |session| session.serial),
        time: Time::default(),
        tools: submission.tools.clone(),
        handler,
        options: options.clone(),
        admission: basis.admission.clone(),
        record: basis.record.clone(),
    };
    bridge.process().submit(call, |id| bridge.input(id, (text, envelope), &options))
}
