//! `subscriptions/listen`: a long-lived stream of change notifications (MCP "Subscriptions").

use std::future::poll_fn;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};

use super::super::http_error::HttpError;
use super::super::{AppState, caller, sse};
use super::call::alone;
use super::check::invalid;
use crate::instances::instance::ServerInstance;
use crate::messages::error;
use crate::messages::message::Envelope;
use crate::messages::meta::Asked;
use crate::messages::stream::First;
use crate::messages::translate::subscription::Filter;

/// The maximum length of the request, since it is kept for the lifetime of the subscription.
const LONGEST: usize = 4 << 20;

pub(super) async fn listen(
    request: &HttpRequest,
    app: &AppState,
    instance: &Arc<ServerInstance>,
    asked: &Asked<'_>,
    (text, envelope): (&str, &Envelope<'_>),
) -> Result<HttpResponse, HttpError> {
    if text.len() > LONGEST {
        return Err(invalid("the request is too long".to_owned()));
    }
    let filter = asked.notifications().and_then(Filter::read).ok_or_else(|| {
        invalid("params.notifications must be a filter of at most 256 resources".to_owned())
    })?;
    let bridge = app.registry.bridge(instance).await?;
    let listening = instance.listen(&bridge, filter, (text, envelope.id)).await?;
    let settings = &app.registry.settings;
    let stream = Arc::clone(&listening.listener.stream);
    let first = poll_fn(|cx| stream.poll_first(cx));
    Ok(match tokio::time::timeout(settings.timeouts.stream_after, first).await {
        Ok(First::Answer(payload)) => alone(payload),
        Ok(First::Withdrawn | First::Nothing) => {
            HttpError::answer(error::INTERNAL, "the server was ended").response()
        }
        Ok(First::More) | Err(_) => {
            let until = caller::admission(request).map(|admission| admission.until());
            sse::once(stream.reader(), settings.timeouts.keep_alive, until, Box::new(listening))
        }
    })
}
