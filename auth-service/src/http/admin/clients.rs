//! Handlers of the list of clients, and of the acts on a client. The id of a client may be a URL, so that it is in the
//! query.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};

use super::{
    acts,
    guard::{acting_administrator, administrator, form_of_administrator},
};
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
            administration::{self, Question, Verb},
        },
    },
    model::ClientId,
    oauth::{AuthServer, Error, Params, Reach},
    store::{Filter, GrantedClient, Page},
};

/// Lists clients with grants, or the one that the search names.
pub(super) async fn list(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = administrator(&server, &request).await?;
            let query = ListQuery::read(&server, &request, &viewer)?;
            let search = query.search("q")?;
            let page = if search.is_empty() {
                server.administration.clients(query.after()?).await?
            } else {
                let one = server.administration.client(&ClientId::parsed(&search)).await?;
                Page { entries: one.into_iter().collect(), next: None }
            };
            let refused = server.administration.refused_clients().await?;
            let list = query.list(page);
            Ok(administration::clients(&request, &viewer, &list, (&search, &refused)))
        }
        .await,
    )
}

async fn found(server: &AuthServer, request: &HttpRequest) -> Checked<GrantedClient> {
    let params = Params::parse(request.query_string().as_bytes());
    let id = ClientId::parsed(params.one("id")?.unwrap_or(""));
    let client = server.administration.client(&id).await?;
    client.ok_or_else(|| Refused::not_found(request))
}

/// Shows a client with its grants.
pub(super) async fn show(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = administrator(&server, &request).await?;
            let client = found(&server, &request).await?;
            let query = ListQuery::read(&server, &request, &viewer)?;
            let filter = Filter { client: Some(client.id.clone()), ..Filter::default() };
            let grants = server.administration.grants(&filter, query.after()?).await?;
            Ok(administration::client(&request, &viewer, &client, &query.list(grants)))
        }
        .await,
    )
}

fn verb(request: &HttpRequest, name: &str) -> Checked<Verb> {
    match name {
        "revoke" => Ok(Verb::Revoke),
        "refuse" => Ok(Verb::Refuse),
        "readmit" => Ok(Verb::Readmit),
        _ => Err(Refused::not_found(request)),
    }
}

async fn question(server: &AuthServer, request: &HttpRequest, act: &str) -> Checked<Question> {
    let verb = verb(request, act)?;
    let client = found(server, request).await?;
    let filter = Filter { client: Some(client.id.clone()), ..Filter::default() };
    let reach = match verb {
        Verb::Readmit => Reach::default(),
        _ => server.administration.reach(&filter).await?,
    };
    Ok(Question {
        verb,
        needs_name: acts::needs_name(reach),
        name: client.name,
        id: client.id.to_string(),
        reach,
        sign_ins: 0,
        problem: None,
    })
}

/// Asks whether to act on a client, and says what that hits.
pub(super) async fn ask(
    server: Data<AuthServer>,
    request: HttpRequest,
    act: Path<String>,
) -> HttpResponse {
    answered(
        async {
            let viewer = acting_administrator(&server, &request).await?;
            let question = question(&server, &request, &act).await?;
            Ok(administration::ask(&request, &viewer, &question))
        }
        .await,
    )
}

/// Acts on a client.
pub(super) async fn act(
    server: Data<AuthServer>,
    request: HttpRequest,
    act: Path<String>,
    body: Result<Body, TokenError>,
) -> HttpResponse {
    answered(
        async {
            let (viewer, form) = form_of_administrator(&server, &request, body).await?;
            let mut asked = question(&server, &request, &act).await?;
            if !acts::is_confirmed(&form, asked.reach, &asked.name) {
                asked.problem = Some("name");
                return Ok(administration::ask(&request, &viewer, &asked));
            }
            let (id, administration) = (ClientId::parsed(&asked.id), &server.administration);
            let actor = viewer.actor();
            match asked.verb {
                Verb::Revoke => drop(administration.revoke_client(&id, &actor).await?),
                Verb::Refuse => drop(administration.refuse_client(&id, &actor).await?),
                Verb::Readmit => drop(administration.readmit_client(&id, &actor).await?),
                Verb::Block | Verb::Unblock | Verb::SignOut => {
                    return Err(Error::InvalidRequest("there is no such act on a client").into());
                }
            }
            let notice = Notice::new(asked.verb.done(), asked.name);
            Ok(page::redirect(&notice.at("/admin/clients", &viewer)))
        }
        .await,
    )
}
