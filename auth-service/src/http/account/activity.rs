//! Handler of the person's own activity.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::guard::{answered, signed_in};
use crate::{
    http::page::account,
    oauth::{AuthServer, Params},
};

/// Lists what was done in the name of the person.
pub(super) async fn list(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = signed_in(&server, &request).await?;
            let params = Params::parse(request.query_string().as_bytes());
            let only_refusals = params.one("only")? == Some("refusals");
            let before = params.one("before")?;
            let page = server.accounts.activity(&viewer, before, only_refusals).await?;
            let now = server.core.clock.now();
            Ok(account::activity(&request, &viewer, &page, (only_refusals, now)))
        }
        .await,
    )
}
