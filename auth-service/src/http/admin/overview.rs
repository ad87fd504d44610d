//! Handler of the overview.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::guard::administrator;
use crate::{
    http::{
        account::guard::answered,
        page::administration::{self, Overview},
    },
    oauth::AuthServer,
    store::Trial,
};

/// Shows the state of the gateway.
pub(super) async fn show(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = administrator(&server, &request).await?;
            let state = Overview {
                is_writable: matches!(server.core.ready().await, Ok(Trial::Written)),
                is_tracking: server.core.store.is_tracking(),
                servers: server.core.catalogue().iter().count(),
            };
            Ok(administration::overview(&request, &viewer, state))
        }
        .await,
    )
}
