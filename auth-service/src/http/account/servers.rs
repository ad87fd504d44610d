//! Handler of the list of servers that the person may use.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::guard::{answered, signed_in};
use crate::{http::page::account, oauth::AuthServer};

/// Lists the servers.
pub(super) async fn list(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = signed_in(&server, &request).await?;
            let servers = server.accounts.servers(&viewer).await?;
            Ok(account::servers(&request, &viewer, servers))
        }
        .await,
    )
}
