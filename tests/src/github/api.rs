//! The REST API, below `/api/v3`.

use std::sync::Mutex;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use serde_json::{Value, json};

use super::{
    Mood, Place, Reply,
    state::{Account, Grant, State},
};

/// Answers any request to the API, and counts it while it waits for a slow reply.
pub(super) async fn answer(state: Data<Mutex<State>>, request: HttpRequest) -> HttpResponse {
    let path = request.path().trim_start_matches("/api/v3").to_owned();
    let pause = {
        let mut state = state.lock().expect("state");
        state.asked.push(path.clone());
        state.replies.get(&path).map(|reply| reply.pause).filter(|pause| !pause.is_zero())
    };
    if let Some(pause) = pause {
        let _waits = Waits::begin(state.clone());
        actix_web::rt::time::sleep(pause).await;
    }
    let state = state.lock().expect("state");
    let bearer = request.headers().get("Authorization").and_then(|value| value.to_str().ok());
    reply(&state, &path, bearer.unwrap_or_default()).response()
}

/// A request that waits. It also ends when its client gives up.
struct Waits(Data<Mutex<State>>);

impl Waits {
    fn begin(state: Data<Mutex<State>>) -> Self {
        {
            let mut state = state.lock().expect("state");
            state.at_once += 1;
            state.most_at_once = state.most_at_once.max(state.at_once);
        }
        Self(state)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.lock().expect("state").at_once -= 1;
    }
}

fn reply(state: &State, path: &str, bearer: &str) -> Reply {
    if let Some(reply) = state.replies.get(path) {
        return reply.clone();
    }
    if matches!(state.mood, Some(Mood::IsDown)) {
        return Reply::new(502, "<h1>Unicorn</h1>");
    }
    let grant = bearer.strip_prefix("Bearer ").and_then(|token| state.tokens.get(token));
    let Some(grant) = grant else { return Reply::error(401, "Bad credentials") };
    let Some(account) = state.accounts.get(&grant.account) else { return not_found() };
    let reply = if account.suspended {
        Reply::error(403, "Sorry. Your account was suspended.")
    } else {
        resource(state, path, (account, grant))
    };
    reply.with("X-OAuth-Scopes", grant.scopes.join(", "))
}

fn resource(state: &State, path: &str, asker: (&Account, &Grant)) -> Reply {
    let (account, grant) = asker;
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match segments[..] {
        ["user"] => Reply::json(200, &user(account)),
        ["user", "emails"] => Reply::json(200, &emails(account)),
        ["user", "memberships", "orgs", org] => {
            own_membership(state, &org.to_lowercase(), account, grant)
        }
        ["orgs", org, "teams", team, "memberships", login] => {
            let (org, team) = (org.to_lowercase(), format!("{org}/{team}").to_lowercase());
            team_membership(state, (&org, &team, login), account, grant)
        }
        _ => not_found(),
    }
}

fn user(account: &Account) -> Value {
    json!({ "id": account.id, "login": account.login, "name": "The Octocat", "email": null })
}

fn emails(account: &Account) -> Value {
    json!([
        { "email": "old@example.org", "primary": false, "verified": true },
        {
            "email": format!("{}@example.org", account.login),
            "primary": true,
            "verified": account.verified,
        },
    ])
}

fn own_membership(state: &State, org: &str, account: &Account, grant: &Grant) -> Reply {
    if let Some(hidden) = hidden(state, org) {
        return hidden;
    }
    if !may_ask(grant) {
        let message = "You need at least read:org scope or user scope to get your memberships.";
        return Reply::error(403, message);
    }
    membership(account.orgs.get(org))
}

/// Teams are visible to members of the organization alone.
fn team_membership(
    state: &State,
    (org, team, login): (&str, &str, &str),
    account: &Account,
    grant: &Grant,
) -> Reply {
    if let Some(hidden) = hidden(state, org) {
        return hidden;
    }
    let is_member = account.orgs.get(org) == Some(&Place::Member);
    if !may_ask(grant) || !is_member || !login.eq_ignore_ascii_case(&account.login) {
        return not_found();
    }
    membership(account.teams.get(team))
}

/// The refusal of an organization that this app, or this session, may not see.
fn hidden(state: &State, org: &str) -> Option<Reply> {
    if state.blocked.contains(org) {
        let message = format!(
            "Although you appear to have the correct authorization credentials, the `{org}` \
            organization has enabled OAuth App access restrictions, meaning that data access to \
            third-parties is limited."
        );
        return Some(Reply::error(403, &message));
    }
    let url = format!("required; url=https://github.com/orgs/{org}/sso?authorization_request=x");
    let message = "Resource protected by organization SAML enforcement.";
    state.sso.contains(org).then(|| Reply::error(403, message).with("X-GitHub-SSO", url))
}

fn may_ask(grant: &Grant) -> bool {
    grant.scopes.iter().any(|scope| scope == "read:org")
}

fn membership(place: Option<&Place>) -> Reply {
    let state = match place {
        Some(Place::Member) => "active",
        Some(Place::Invited) => "pending",
        Some(Place::Outside) | None => return not_found(),
    };
    Reply::json(200, &json!({ "state": state, "role": "member" }))
}

fn not_found() -> Reply {
    Reply::error(404, "Not Found")
}
