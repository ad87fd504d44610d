//! Tools that a client may not use: refused when they are called, and left out of lists, by the access policy
//! in its identity, the operator's rules, and its scopes.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::http_error::HttpError;
use super::{AppState, caller, headers, origin};
use crate::config::catalogue::tool_view::{Rights, ToolView};
use crate::config::catalogue::tools::Verdict;
use crate::instances::server::Server;
use crate::messages::error;
use crate::messages::message::{self, Envelope};

/// Refuses the call of a tool that is not for this client. Returns what it may see if it asks for the list, and
/// `None` if that is everything.
pub(super) fn check(
    request: &HttpRequest,
    (app, server): (&AppState, &Server),
    envelope: &Envelope<'_>,
) -> Result<Option<Arc<ToolView>>, HttpError> {
    let is_list = envelope.method == "tools/list";
    if !is_list && envelope.method != "tools/call" {
        return Ok(None);
    }
    let Some(view) = view(request, server) else { return Ok(None) };
    if is_list {
        return Ok(Some(view));
    }
    let name = envelope.params.and_then(message::tool_name);
    let (reason, refusal) = match name.map_or(Verdict::Hidden, |name| view.verdict(&name)) {
        Verdict::Permitted => return Ok(None),
        Verdict::NeedsScopes(scopes) => {
            let challenge = headers::challenge(request.headers());
            ("insufficient_scope", HttpError::needs_scopes(challenge, &scopes))
        }
        Verdict::Hidden => {
            ("not_offered", HttpError::answer(error::INVALID_PARAMS, "this tool is not available"))
        }
        Verdict::Denied => ("not_allowed", HttpError::denied_tool()),
    };
    origin::tool_refused(request, (app, &server.name), envelope, reason);
    Err(refusal)
}

/// Returns `true` if the server must read a message of this client as the proxy does.
pub(super) fn need_one_reading(request: &HttpRequest, server: &Server) -> bool {
    server.needs_one_reading() || caller::proven(request).is_some_and(|one| one.tools.is_some())
}

/// Returns the tools that the client may use, unless it may use all.
fn view(request: &HttpRequest, server: &Server) -> Option<Arc<ToolView>> {
    let caller = caller::proven(request);
    let lists = caller.as_ref().and_then(|one| one.tools.clone());
    if lists.is_none() && !server.has_tool_rules() {
        return None;
    }
    let headers = request.headers();
    let scopes = caller.as_deref().map_or_else(|| headers::scopes(headers), |one| &one.scopes);
    let can_step_up = headers::challenge(headers).is_some();
    ToolView::new(&server.config(), Rights { scopes: scopes.to_owned(), lists, can_step_up })
}
