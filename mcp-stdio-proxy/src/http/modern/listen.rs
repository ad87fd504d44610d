//! `subscriptions/listen`: a long-lived stream of change notifications (MCP "Subscriptions").

use std::future::poll_fn;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};

use super::super::refusal::Refusal;
use super::super::{Gate, asker, sse};
use super::call::alone;
use super::check::invalid;
use crate::protocol::error;
use crate::protocol::message::Envelope;
use crate::protocol::meta::Asked;
use crate::room::Room;
use crate::stream::First;
use crate::translate::subscription::Filter;

/// The maximum length of the request, since it is kept for the lifetime of the subscription.
const LONGEST: usize = 4 << 20;

pub(super) async fn listen(
    request: &HttpRequest,
    gate: &Gate,
    room: &Arc<Room>,
    asked: &Asked<'_>,
    (text, envelope): (&str, &Envelope<'_>),
) -> Result<HttpResponse, Refusal> {
    if text.len() > LONGEST {
        return Err(invalid("the request is too long".to_owned()));
    }
    let filter = asked.notifications().and_then(Filter::read).ok_or_else(|| {
        invalid("params.notifications must be a filter of at most 256 resources".to_owned())
    })?;
    let child = gate.hub.child(room).await?;
    let listening = room.listen(&child, filter, text, envelope).await?;
    let settings = &gate.hub.settings;
    let stream = Arc::clone(&listening.listener.stream);
    let first = poll_fn(|cx| stream.poll_first(cx));
    Ok(match tokio::time::timeout(settings.stream_after, first).await {
        Ok(First::Answer(payload)) => alone(payload),
        Ok(First::Withdrawn | First::Nothing) => {
            Refusal::answer(error::INTERNAL, "the server was ended").response()
        }
        Ok(First::More) | Err(_) => {
            let until = asker::admission(request).map(|admission| admission.until());
            sse::once(stream.reader(), settings.keep_alive, until, Box::new(listening))
        }
    })
}
