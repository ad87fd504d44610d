//! Handler of the list of servers.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::guard::administrator;
use crate::{
    http::{account::guard::answered, page::administration},
    oauth::AuthServer,
};

/// Lists the servers of the catalogue.
pub(super) async fn list(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = administrator(&server, &request).await?;
            let catalogue = server.core.catalogue();
            Ok(administration::servers(&request, &viewer, &catalogue))
        }
        .await,
    )
}
