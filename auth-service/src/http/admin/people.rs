//! Handlers of the list of people, and of the acts on a person.

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
    oauth::{AuthServer, Blocking, Error, Reach},
    store::{Filter, ListedPerson, Page},
};

/// Lists people, or those whom the search means.
pub(super) async fn list(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let viewer = administrator(&server, &request).await?;
            let query = ListQuery::read(&server, &request, &viewer)?;
            let search = query.search("q")?;
            let page = if search.is_empty() {
                server.administration.people(query.after()?).await?
            } else {
                Page { entries: server.administration.people_named(&search).await?, next: None }
            };
            Ok(administration::people(&request, &viewer, &query.list(page), &search))
        }
        .await,
    )
}

async fn found(server: &AuthServer, request: &HttpRequest, subject: &str) -> Checked<ListedPerson> {
    let person = server.administration.person(subject).await?;
    person.ok_or_else(|| Refused::not_found(request))
}

fn grants_of(subject: &str) -> Filter {
    Filter { subject: Some(subject.to_owned()), ..Filter::default() }
}

/// Shows a person with their grants and sign-ins.
pub(super) async fn show(
    server: Data<AuthServer>,
    request: HttpRequest,
    subject: Path<String>,
) -> HttpResponse {
    answered(
        async {
            let viewer = administrator(&server, &request).await?;
            let person = found(&server, &request, &subject).await?;
            let query = ListQuery::read(&server, &request, &viewer)?;
            let grants = grants_of(&subject);
            let grants = server.administration.grants(&grants, query.after()?).await?;
            let sessions = server.administration.sessions_of(&subject).await?;
            let is_administrator = server.core.is_administrator(&subject);
            let shown = administration::Person { listed: person, sessions, is_administrator };
            Ok(administration::person(&request, &viewer, &shown, &query.list(grants)))
        }
        .await,
    )
}

/// Returns the act on a person that a path names.
fn verb(request: &HttpRequest, name: &str) -> Checked<Verb> {
    match name {
        "block" => Ok(Verb::Block),
        "unblock" => Ok(Verb::Unblock),
        "sign-out" => Ok(Verb::SignOut),
        _ => Err(Refused::not_found(request)),
    }
}

async fn question(
    server: &AuthServer,
    request: &HttpRequest,
    (subject, act): &(String, String),
) -> Checked<Question> {
    let verb = verb(request, act)?;
    let person = found(server, request, subject).await?;
    let reach = match verb {
        Verb::Unblock => Reach::default(),
        _ => server.administration.reach(&grants_of(subject)).await?,
    };
    let sign_ins = server.administration.sessions_of(subject).await?.len();
    Ok(Question {
        verb,
        needs_name: acts::needs_name(reach),
        name: person.user.name,
        id: subject.clone(),
        reach,
        sign_ins,
        problem: None,
    })
}

/// Asks whether to act on a person, and says what that hits.
pub(super) async fn ask(
    server: Data<AuthServer>,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> HttpResponse {
    answered(
        async {
            let viewer = acting_administrator(&server, &request).await?;
            let question = question(&server, &request, &path).await?;
            Ok(administration::ask(&request, &viewer, &question))
        }
        .await,
    )
}

/// Acts on a person.
pub(super) async fn act(
    server: Data<AuthServer>,
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Result<Body, TokenError>,
) -> HttpResponse {
    answered(
        async {
            let (viewer, form) = form_of_administrator(&server, &request, body).await?;
            let mut asked = question(&server, &request, &path).await?;
            if !acts::is_confirmed(&form, asked.reach, &asked.name) {
                asked.problem = Some("name");
                return Ok(administration::ask(&request, &viewer, &asked));
            }
            let (subject, administration) = (&asked.id, &server.administration);
            let actor = viewer.actor();
            let is_oneself = *subject == viewer.user.subject;
            match asked.verb {
                Verb::Block if is_oneself => {
                    asked.problem = Some("oneself");
                    return Ok(administration::ask(&request, &viewer, &asked));
                }
                Verb::Block => {
                    if administration.block(subject, &actor).await? == Blocking::LastAdministrator {
                        asked.problem = Some("last");
                        return Ok(administration::ask(&request, &viewer, &asked));
                    }
                }
                Verb::Unblock => drop(administration.unblock(subject, &actor).await?),
                Verb::SignOut => drop(administration.sign_out(subject, &actor).await?),
                Verb::Revoke | Verb::Refuse | Verb::Readmit => {
                    return Err(Error::InvalidRequest("there is no such act on a person").into());
                }
            }
            let notice = Notice::new(asked.verb.done(), asked.name);
            Ok(page::redirect(&notice.at("/admin/people", &viewer)))
        }
        .await,
    )
}
