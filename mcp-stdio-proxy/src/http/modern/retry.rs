//! A request of 2026-07-28 that resumes a suspended call (MCP "Multi Round-Trip Requests").

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};

use super::super::http_error::HttpError;
use super::super::{AppState, caller, tools};
use super::call::{alone, respond};
use super::param_headers;
use crate::instances::bridge::{Resumption, Retry};
use crate::instances::instance::ServerInstance;
use crate::messages::message::Envelope;
use crate::messages::meta::Asked;
use crate::messages::stream::Stream;
use crate::process::submit::Pending;

/// Serves a request with a `requestState`.
pub(super) async fn retry(
    request: &HttpRequest,
    app: &AppState,
    instance: &Arc<ServerInstance>,
    asked: &Asked<'_>,
    (text, envelope): (&str, &Envelope<'_>),
) -> Result<HttpResponse, HttpError> {
    tools::check(request, (app, &instance.server), envelope)?;
    let bridge = app.registry.bridge(instance).await?;
    if envelope.method == "tools/call" {
        param_headers::check(request, &*bridge, asked).await?;
    }
    let (stream, admission) = (Stream::answers(1), caller::admission(request));
    let retry = Retry { text, envelope, asked, stream: &stream, admission: admission.as_ref() };
    let (process, id) = match bridge.resume(retry).await? {
        Resumption::Response(payload) => return Ok(alone(payload)),
        Resumption::Call { process, id } => (process, id),
    };
    // Its stream is left to cancel it (Streamable HTTP, "Cancellation").
    let pending = Pending { process, id, stream: Arc::clone(&stream) };
    let patience = app.registry.settings.timeouts.stream_after;
    Ok(respond(app, (stream, Some(pending)), admission, patience).await)
}
