//! A stand-in for GitHub: authorization, tokens, accounts, organizations and teams, with what GitHub
//! refuses and limits.

mod api;
mod oauth;
mod reply;
mod state;

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use actix_web::{
    App, HttpResponse, HttpServer,
    web::{Data, get, post},
};

pub use self::reply::Reply;
use self::state::{Account, State};

/// What it does next.
#[derive(Clone)]
pub enum Mood {
    /// This account logs in at once, as one that has authorized the app before.
    LogsIn { id: u64, login: String },
    /// The person presses cancel.
    Denies,
    /// The token endpoint answers with GitHub's error, status 200.
    RefusesCode,
    /// The token endpoint answers with this error, status 200.
    Refuses(&'static str),
    /// The browser comes back with this error instead of a code.
    SendsBack(&'static str),
    /// The token endpoint and the API answer 502.
    IsDown,
}

/// A person's place in an organization or team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A member.
    Member,
    /// Invited, without having accepted.
    Invited,
    /// Neither.
    Outside,
}

/// A running stand-in.
pub struct FakeGitHub {
    /// Its base URL; its API is below `/api/v3`, as at an Enterprise Server.
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl FakeGitHub {
    /// The only client it knows.
    pub const CLIENT: (&'static str, &'static str) = ("github-app", "github-app-secret");

    /// Starts one, at which `octocat`, 583231, logs in.
    pub fn start() -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST)
    }

    /// The same at another address of this machine, for containers.
    pub fn start_at(address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Data::from(Arc::clone(&state));
        let app = move || {
            App::new()
                .app_data(shared.clone())
                .route("/page", get().to(async || HttpResponse::Ok().body("a page to fetch")))
                .route("/login/oauth/authorize", get().to(oauth::authorize))
                .route("/login/oauth/access_token", post().to(oauth::token))
                .route("/api/v3/{path:.*}", get().to(api::answer))
        };
        // On a busy machine a client may connect long before its request.
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .client_request_timeout(Duration::ZERO);
        let server = server.listen(listener).expect("listens").run();
        // Its own thread and runtime: the stand-in must not share one with what it is asked by.
        std::thread::spawn(move || actix_web::rt::System::new().block_on(server));
        let github = Self { url, state };
        github.set(Mood::LogsIn { id: 583_231, login: "octocat".into() });
        github
    }

    /// Changes what it does.
    pub fn set(&self, mood: Mood) {
        self.state().set(mood);
    }

    /// From now on it takes as long as this to redeem a code.
    pub fn hesitate(&self, pause: Duration) {
        self.state().hesitation = pause;
    }

    /// Makes the account that logs in a member of an organization.
    pub fn join(&self, org: &str) {
        self.set_org(org, Place::Member);
    }

    /// Removes the account from an organization and its teams.
    pub fn leave(&self, org: &str) {
        self.set_org(org, Place::Outside);
    }

    /// Sets the account's place in an organization. Who is outside it is in none of its teams.
    pub fn set_org(&self, org: &str, place: Place) {
        self.change(|account| {
            account.orgs.insert(org.to_lowercase(), place);
            if place == Place::Outside {
                let teams = format!("{}/", org.to_lowercase());
                account.teams.retain(|team, _| !team.starts_with(&teams));
            }
        });
    }

    /// Sets the account's place in a team, which is written `ORG/TEAM`.
    pub fn set_team(&self, team: &str, place: Place) {
        self.change(|account| {
            account.teams.insert(team.to_lowercase(), place);
        });
    }

    /// Gives the account another login name. Its id stays.
    pub fn rename(&self, login: &str) {
        self.change(|account| login.clone_into(&mut account.login));
    }

    /// Suspends the account, or ends that.
    pub fn suspend(&self, suspended: bool) {
        self.change(|account| account.suspended = suspended);
    }

    /// Sets whether the primary e-mail address is verified.
    pub fn verify_email(&self, verified: bool) {
        self.change(|account| account.verified = verified);
    }

    /// From now on tokens end after eight hours and come with a refresh token.
    pub fn expire_tokens(&self, expire: bool) {
        self.state().expires = expire;
    }

    /// Revokes all tokens of the account, as when the person revokes the app.
    pub fn revoke_tokens(&self) {
        let mut state = self.state();
        let id = state.current;
        state.tokens.retain(|_, token| token.account != id);
        state.refresh_tokens.retain(|_, token| token.account != id);
    }

    /// Ends all access tokens, as after eight hours. Refresh tokens stay.
    pub fn end_access_tokens(&self) {
        self.state().tokens.clear();
    }

    /// Makes a token belong to the account that logs in now, whosever it was.
    pub fn swap_tokens(&self) {
        let mut state = self.state();
        let id = state.current;
        state.tokens.values_mut().for_each(|token| token.account = id);
    }

    /// Sets whether an organization permits only apps that an owner has approved.
    pub fn block_app(&self, org: &str, blocked: bool) {
        set(&mut self.state().blocked, org, blocked);
    }

    /// Sets whether an organization requires a login at its SAML provider.
    pub fn require_sso(&self, org: &str, required: bool) {
        set(&mut self.state().sso, org, required);
    }

    /// Answers requests to this path like this from now on, or as usual with `None`. It is a path of the
    /// API as it comes, without `/api/v3`, or `/login/oauth/access_token`.
    pub fn reply(&self, path: &str, reply: Option<Reply>) {
        let replies = &mut self.state().replies;
        match reply {
            Some(reply) => replies.insert(path.to_owned(), reply),
            None => replies.remove(path),
        };
    }

    /// Returns the paths of the requests to the API so far, as they came, without `/api/v3`.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    /// Returns the number of requests to one path of the API.
    pub fn count(&self, path: &str) -> usize {
        self.state().asked.iter().filter(|asked| *asked == path).count()
    }

    /// Returns the largest number of requests to the API that waited for a slow [`Reply`] at one time.
    pub fn most_at_once(&self) -> usize {
        self.state().most_at_once
    }

    /// Returns the forms that the token endpoint was sent.
    pub fn token_requests(&self) -> Vec<String> {
        self.state().forms.clone()
    }

    /// Changes the account that logs in.
    fn change(&self, change: impl FnOnce(&mut Account)) {
        change(self.state().account());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("state")
    }
}

fn set(orgs: &mut std::collections::HashSet<String>, org: &str, include: bool) {
    if include {
        orgs.insert(org.to_lowercase());
    } else {
        orgs.remove(&org.to_lowercase());
    }
}
