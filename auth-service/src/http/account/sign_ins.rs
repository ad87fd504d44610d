//! Handlers of the sign-ins of the person.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};

use super::{
    forms::form_of_person,
    guard::{answered, signed_in},
    notice::Notice,
};
use crate::{
    http::{
        body::Body,
        browser,
        error::TokenError,
        page::{self, account},
    },
    model::Fingerprint,
    oauth::{AuthServer, Params},
};

/// Lists the sign-ins of the person.
pub(super) async fn list(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = signed_in(&server, &request).await?;
            let params = Params::parse(request.query_string().as_bytes());
            let notice = Notice::read(&params, &viewer)?;
            let all = server.accounts.sign_ins(&viewer).await?;
            let now = server.core.clock.now();
            Ok(account::sign_ins(&request, &viewer, &all, (notice, now)))
        }
        .await,
    )
}

/// Ends a sign-in.
pub(super) async fn end(
    server: Data<AuthServer>,
    request: HttpRequest,
    id: Path<String>,
    body: Result<Body, TokenError>,
) -> HttpResponse {
    answered(
        async {
            let (viewer, _) = form_of_person(&server, &request, body).await?;
            let id = Fingerprint::parsed(&id);
            if !server.accounts.end_sign_in(&viewer, &id).await? {
                return Ok(page::nothing_here(&request));
            }
            let notice = Notice::new("sign-in-ended", "");
            Ok(page::redirect(&notice.at("/me/sign-ins", &viewer)))
        }
        .await,
    )
}

/// Asks whether to sign out everywhere.
pub(super) async fn ask(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = signed_in(&server, &request).await?;
            let count = server.accounts.sign_ins(&viewer).await?.len();
            Ok(account::sign_out_everywhere(&request, &viewer, count))
        }
        .await,
    )
}

/// Signs out everywhere.
pub(super) async fn end_all(
    server: Data<AuthServer>,
    request: HttpRequest,
    body: Result<Body, TokenError>,
) -> HttpResponse {
    answered(
        async {
            let (viewer, _) = form_of_person(&server, &request, body).await?;
            server.accounts.end_all_sign_ins(&viewer).await?;
            Ok(browser::forget_login(page::redirect("/sign-in?signed_out=1")))
        }
        .await,
    )
}
