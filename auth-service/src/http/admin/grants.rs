//! Handlers of the list of grants, and of the end of one.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};

use super::guard::{acting_administrator, administrator, form_of_administrator};
use crate::{
    http::{
        account::{
            guard::{Checked, Refused, answered},
            notice::Notice,
            query::ListQuery,
        },
        body::Body,
        error::TokenError,
        page::{
            self,
            administration::{self, GrantSearch},
        },
    },
    model::{ClientId, Grant, Identifier, ServerName},
    oauth::AuthServer,
    store::{Filter, Page},
};

/// Lists the grants of a person, a client, a server or of everybody.
pub(super) async fn list(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = administrator(&server, &request).await?;
            let query = ListQuery::read(&server, &request, &viewer)?;
            let search = GrantSearch {
                user: query.search("user")?,
                client: query.search("client")?,
                server: query.search("server")?,
            };
            let catalogue = server.core.catalogue();
            let named = ServerName::parse(&search.server).and_then(|name| catalogue.by_name(&name));
            let filter = Filter {
                user: some(&search.user),
                client: some(&search.client).map(|id| ClientId::parsed(&id)),
                server: named.map(|server| server.resource.clone()),
                ..Filter::default()
            };
            let is_unknown = !search.server.is_empty() && filter.server.is_none();
            let page = if is_unknown {
                Page { entries: Vec::new(), next: None }
            } else {
                server.administration.grants(&filter, query.after()?).await?
            };
            Ok(administration::grants(&request, &viewer, &query.list(page), &search))
        }
        .await,
    )
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

async fn found(server: &AuthServer, request: &HttpRequest, id: &str) -> Checked<Grant> {
    let grant = server.administration.grant(&Identifier::parsed(id)).await?;
    grant.ok_or_else(|| Refused::not_found(request))
}

/// Asks whether to end a grant.
pub(super) async fn ask(
    server: Data<AuthServer>,
    request: HttpRequest,
    id: Path<String>,
) -> HttpResponse {
    answered(
        async {
            let viewer = acting_administrator(&server, &request).await?;
            let grant = found(&server, &request, &id).await?;
            Ok(administration::revoke(&request, &viewer, &grant))
        }
        .await,
    )
}

/// Ends a grant.
pub(super) async fn revoke(
    server: Data<AuthServer>,
    request: HttpRequest,
    id: Path<String>,
    body: Result<Body, TokenError>,
) -> HttpResponse {
    answered(
        async {
            let (viewer, _) = form_of_administrator(&server, &request, body).await?;
            let grant = found(&server, &request, &id).await?;
            server.administration.revoke_grant(&grant, &viewer.actor()).await?;
            let notice = Notice::new("revoked", grant.client_name);
            Ok(page::redirect(&notice.at("/admin/grants", &viewer)))
        }
        .await,
    )
}
