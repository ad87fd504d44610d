//! Handlers of personal access tokens.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::{
    forms,
    guard::{Checked, answered, freshly_signed_in, signed_in},
    query::ListQuery,
};
use crate::{
    http::{
        body::Body,
        error::TokenError,
        page::account::{self, TokenForm},
    },
    oauth::{AuthServer, Error, TokenWish, Viewer},
};

/// Lists the personal tokens of the person.
pub(super) async fn list(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = signed_in(&server, &request).await?;
            let query = ListQuery::read(&server, &request, &viewer)?;
            let page = server.accounts.personal_tokens(&viewer, query.after()?).await?;
            let are_on = !server.accounts.token_lifetimes().is_empty();
            Ok(account::tokens(&request, &viewer, &query.list(page), are_on))
        }
        .await,
    )
}

/// Shows the form for a new token.
pub(super) async fn form(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = freshly_signed_in(&server, &request).await?;
            let form = token_form(&server, &viewer, TokenWish::default(), None).await?;
            Ok(account::new_token(&request, &viewer, &form))
        }
        .await,
    )
}

async fn token_form(
    server: &AuthServer,
    viewer: &Viewer,
    wish: TokenWish,
    problem: Option<Error>,
) -> Checked<TokenForm> {
    Ok(TokenForm {
        servers: server.accounts.token_servers(viewer).await?,
        lifetimes: server.accounts.token_lifetimes(),
        once: server.accounts.new_form()?,
        problem,
        wish,
    })
}

/// Creates a token and shows it, once.
pub(super) async fn create(
    server: Data<AuthServer>,
    request: HttpRequest,
    body: Result<Body, TokenError>,
) -> HttpResponse {
    answered(
        async {
            let viewer = freshly_signed_in(&server, &request).await?;
            let form = forms::fields(&server, &request, &viewer, body)?;
            let many = |name| form.many(name).map(str::to_owned).collect();
            let wish = TokenWish {
                name: form.one("name")?.unwrap_or("").to_owned(),
                resources: many("server"),
                scopes: many("scope"),
                days: form.one("days")?.and_then(|days| days.parse().ok()).unwrap_or(0),
            };
            let once = form.one("once")?.unwrap_or("");
            match server.accounts.create_token(&viewer, &wish, once).await {
                Ok(token) => Ok(account::created_token(&request, &viewer, &wish, &token)),
                Err(
                    error @ (Error::InvalidRequest(_)
                    | Error::InvalidTarget(_)
                    | Error::NotAllowed(_)),
                ) => {
                    let form = token_form(&server, &viewer, wish, Some(error)).await?;
                    Ok(account::new_token(&request, &viewer, &form))
                }
                Err(error) => Err(error.into()),
            }
        }
        .await,
    )
}
