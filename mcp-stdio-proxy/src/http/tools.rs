//! Tools that a client may not use: refused when they are called, and left out of lists, by the access policy
//! in its identity, the operator's rules, and its scopes.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::refusal::Refusal;
use super::{Gate, asker, headers, origin};
use crate::backend::Backend;
use crate::catalogue::tool_view::{Rights, ToolView};
use crate::catalogue::tools::Verdict;
use crate::protocol::error;
use crate::protocol::message::{self, Envelope};

/// Refuses the call of a tool that is not for this client. Returns what it may see if it asks for the list, and
/// `None` if that is everything.
pub(super) fn check(
    request: &HttpRequest,
    (gate, backend): (&Gate, &Backend),
    envelope: &Envelope<'_>,
) -> Result<Option<Arc<ToolView>>, Refusal> {
    let is_list = envelope.method == "tools/list";
    if !is_list && envelope.method != "tools/call" {
        return Ok(None);
    }
    let Some(view) = view(request, backend) else { return Ok(None) };
    if is_list {
        return Ok(Some(view));
    }
    let name = envelope.params.and_then(message::tool_name);
    let (reason, refusal) = match name.map_or(Verdict::Hidden, |name| view.verdict(&name)) {
        Verdict::Permitted => return Ok(None),
        Verdict::NeedsScopes(scopes) => {
            let challenge = headers::challenge(request.headers());
            ("insufficient_scope", Refusal::needs_scopes(challenge, &scopes))
        }
        Verdict::Hidden => {
            ("not_offered", Refusal::answer(error::INVALID_PARAMS, "this tool is not available"))
        }
        Verdict::Denied => ("not_allowed", Refusal::denied_tool()),
    };
    origin::tool_refused(request, (gate, &backend.name), envelope, reason);
    Err(refusal)
}

/// Returns `true` if the server must read a message of this client as the proxy does.
pub(super) fn need_one_reading(request: &HttpRequest, backend: &Backend) -> bool {
    backend.needs_one_reading() || asker::proven(request).is_some_and(|one| one.tools.is_some())
}

/// Returns the tools that the client may use, unless it may use all.
fn view(request: &HttpRequest, backend: &Backend) -> Option<Arc<ToolView>> {
    let asker = asker::proven(request);
    let lists = asker.as_ref().and_then(|one| one.tools.clone());
    if lists.is_none() && !backend.has_tool_rules() {
        return None;
    }
    let headers = request.headers();
    let scopes = asker.as_deref().map_or_else(|| headers::scopes(headers), |one| &one.scopes);
    let can_step_up = headers::challenge(headers).is_some();
    ToolView::new(&backend.entry(), Rights { scopes: scopes.to_owned(), lists, can_step_up })
}
