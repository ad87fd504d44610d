//! Handler of the person's own activity.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::guard::{answered, signed_in};
use crate::{http::page::account, oauth::AuthServer};

/// Lists what was done in the name of the person.
pub(super) async fn list(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = signed_in(&server, &request).await?;
            Ok(account::activity(&request, &viewer))
        }
        .await,
    )
}
