//! Handlers of the audit events: a page with a search, and downloads of what it finds.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use gateway_contract::audit::Outcome;

use super::{csv, guard::administrator};
use crate::{
    http::{
        account::guard::answered,
        page::administration::{self, AuditSearch},
    },
    oauth::{AuthServer, Error, Params},
    store::{AuditFilter, AuditPage},
};

/// The number of events on a page.
const PAGE: usize = 50;

/// The maximum number of events in a download.
const DOWNLOAD: usize = 10_000;

fn search(params: &Params) -> Result<AuditSearch, Error> {
    let text = |name| Ok::<_, Error>(params.one(name)?.unwrap_or("").trim().to_owned());
    Ok(AuditSearch {
        kind: text("kind")?,
        user: text("user")?,
        client: text("client")?,
        server: text("server")?,
        outcome: text("outcome")?,
    })
}

fn filter(search: &AuditSearch) -> AuditFilter {
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    AuditFilter {
        since: None,
        kinds: some(&search.kind).into_iter().collect(),
        user: some(&search.user),
        client: some(&search.client),
        server: some(&search.server),
        outcome: match search.outcome.as_str() {
            "ok" => Some(Outcome::Ok),
            "denied" => Some(Outcome::Denied),
            "failed" => Some(Outcome::Failed),
            _ => None,
        },
    }
}

/// Lists events, latest first.
pub(super) async fn list(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = administrator(&server, &request).await?;
            let params = Params::parse(request.query_string().as_bytes());
            let (search, before) = (search(&params)?, params.one("before")?);
            let page = server.administration.events(&filter(&search), before, PAGE).await?;
            let now = server.core.clock.now();
            Ok(administration::audit(&request, &viewer, &page, (&search, now)))
        }
        .await,
    )
}

/// Downloads the events that a search finds as CSV (RFC 4180).
pub(super) async fn as_csv(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    download(&server, &request, ("text/csv; charset=utf-8", "audit.csv"), csv::of).await
}

/// Downloads the events that a search finds as a JSON array.
pub(super) async fn as_json(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    let array = |page: &AuditPage| {
        let lines: Vec<&str> = page.events.iter().map(|one| one.line.as_str()).collect();
        format!("[{}]\n", lines.join(",\n"))
    };
    download(&server, &request, ("application/json", "audit.json"), array).await
}

async fn download(
    server: &AuthServer,
    request: &HttpRequest,
    (kind, name): (&'static str, &'static str),
    write: impl Fn(&AuditPage) -> String,
) -> HttpResponse {
    answered(
        async {
            administrator(server, request).await?;
            let params = Params::parse(request.query_string().as_bytes());
            let filter = filter(&search(&params)?);
            let page = server.administration.events(&filter, None, DOWNLOAD).await?;
            let place = format!("attachment; filename=\"{name}\"");
            Ok(HttpResponse::Ok()
                .content_type(kind)
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .insert_header((header::CONTENT_DISPOSITION, place))
                .body(write(&page)))
        }
        .await,
    )
}
