//! Handlers of the list of servers, of one server, and of its check. The proxies are asked on the inside.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};

use super::guard::{administrator, form_of_administrator};
use crate::{
    http::{
        account::{
            guard::{Checked, Refused, answered},
            notice::Notice,
        },
        body::Body,
        error::TokenError,
        page::{self, administration},
    },
    model::{McpServer, ServerName},
    oauth::{AuthServer, Params},
};

/// Lists the servers of the catalogue with their state.
pub(super) async fn list(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = administrator(&server, &request).await?;
            let reports = server.core.reports.all(&server.core.catalogue()).await;
            Ok(administration::servers(&request, &viewer, &reports))
        }
        .await,
    )
}

fn found(server: &AuthServer, request: &HttpRequest, name: &str) -> Checked<McpServer> {
    let catalogue = server.core.catalogue();
    let known = ServerName::parse(name).and_then(|name| catalogue.by_name(&name).cloned());
    known.ok_or_else(|| Refused::not_found(request))
}

/// Shows a server with its tools.
pub(super) async fn show(
    server: Data<AuthServer>,
    request: HttpRequest,
    name: Path<String>,
) -> HttpResponse {
    answered(
        async {
            let viewer = administrator(&server, &request).await?;
            let one = found(&server, &request, &name)?;
            let params = Params::parse(request.query_string().as_bytes());
            let notice = Notice::read(&params, &viewer)?;
            let report = server.core.reports.one(&one).await;
            let tools = server.core.reports.tools(&one).await.unwrap_or_default();
            let now = server.core.clock.now();
            Ok(administration::server(&request, &viewer, (&one, &report, &tools), (notice, now)))
        }
        .await,
    )
}

/// Checks a server at the level of MCP.
pub(super) async fn check(
    server: Data<AuthServer>,
    request: HttpRequest,
    name: Path<String>,
    body: Result<Body, TokenError>,
) -> HttpResponse {
    answered(
        async {
            let (viewer, _) = form_of_administrator(&server, &request, body).await?;
            let one = found(&server, &request, &name)?;
            // A check that fails is seen in the report.
            drop(server.core.reports.check(&one).await);
            let path = format!("/admin/servers/{}", one.name.as_str());
            let notice = Notice::new("checked", one.title);
            Ok(page::redirect(&notice.at(&path, &viewer)))
        }
        .await,
    )
}
