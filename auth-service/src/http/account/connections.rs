//! Handlers of the list of connections, and of their end.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};

use super::{
    forms::form_of_person,
    guard::{Checked, Refused, answered, signed_in},
    notice::Notice,
    query::ListQuery,
};
use crate::{
    http::{
        body::Body,
        error::TokenError,
        page::{self, account},
    },
    model::Identifier,
    oauth::{AuthServer, Disconnection, PERSONAL, Viewer},
};

/// Lists the connections of the person.
pub(super) async fn list(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = signed_in(&server, &request).await?;
            let query = ListQuery::read(&server, &request, &viewer)?;
            let page = server.accounts.connections(&viewer, query.after()?).await?;
            Ok(account::connections(&request, &viewer, &query.list(page)))
        }
        .await,
    )
}

async fn own(
    server: &AuthServer,
    request: &HttpRequest,
    viewer: &Viewer,
    id: &Identifier,
) -> Checked<Disconnection> {
    let found = server.accounts.connection(viewer, id).await?;
    found.ok_or_else(|| Refused::not_found(request))
}

/// Asks whether to end a connection or a personal token.
pub(super) async fn ask(
    server: Data<AuthServer>,
    request: HttpRequest,
    id: Path<String>,
) -> HttpResponse {
    answered(
        async {
            let viewer = signed_in(&server, &request).await?;
            let what = own(&server, &request, &viewer, &Identifier::parsed(&id)).await?;
            Ok(account::disconnect(&request, &viewer, &what))
        }
        .await,
    )
}

/// Ends a connection, or all of its client.
pub(super) async fn end(
    server: Data<AuthServer>,
    request: HttpRequest,
    id: Path<String>,
    body: Result<Body, TokenError>,
) -> HttpResponse {
    answered(
        async {
            let (viewer, form) = form_of_person(&server, &request, body).await?;
            let id = Identifier::parsed(&id);
            let what = own(&server, &request, &viewer, &id).await?;
            let is_token = what.connection.listed.grant.client_id.as_str() == PERSONAL;
            let ended = match form.one("of")? {
                Some("client") => server.accounts.disconnect_client(&viewer, &id).await?,
                _ => server.accounts.disconnect(&viewer, &id).await?,
            };
            let Some(name) = ended else { return Ok(page::nothing_here(&request)) };
            let (kind, path) =
                if is_token { ("token-revoked", "/me/tokens") } else { ("disconnected", "/me") };
            Ok(page::redirect(&Notice::new(kind, name).at(path, &viewer)))
        }
        .await,
    )
}

/// Asks whether to end all connections.
pub(super) async fn ask_all(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = signed_in(&server, &request).await?;
            let page = server.accounts.connections(&viewer, None).await?;
            let count = (page.entries.len(), page.next.is_some());
            Ok(account::disconnect_all(&request, &viewer, count))
        }
        .await,
    )
}

/// Ends all connections.
pub(super) async fn end_all(
    server: Data<AuthServer>,
    request: HttpRequest,
    body: Result<Body, TokenError>,
) -> HttpResponse {
    answered(
        async {
            let (viewer, _) = form_of_person(&server, &request, body).await?;
            let ended = server.accounts.disconnect_all(&viewer).await?;
            let notice = Notice::new("all-disconnected", ended.to_string());
            Ok(page::redirect(&notice.at("/me", &viewer)))
        }
        .await,
    )
}
