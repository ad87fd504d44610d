//! A stand-in for GitHub: authorization, token, user and e-mail endpoints of an OAuth app.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    web::{Bytes, Data, get, post},
};
use serde_json::json;
use url::form_urlencoded;

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
    /// The token endpoint answers 502.
    IsDown,
}

#[derive(Default)]
struct State {
    mood: Option<Mood>,
    hesitation: Duration,
    challenges: HashMap<String, String>,
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
                .route("/login/oauth/authorize", get().to(authorize))
                .route("/login/oauth/access_token", post().to(token))
                .route("/api/v3/user", get().to(user))
                .route("/api/v3/user/emails", get().to(emails))
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
        self.state.lock().expect("state").mood = Some(mood);
    }

    /// From now on it takes as long as this to redeem a code.
    pub fn hesitate(&self, pause: Duration) {
        self.state.lock().expect("state").hesitation = pause;
    }
}

fn params(encoded: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

async fn authorize(state: Data<Mutex<State>>, request: HttpRequest) -> HttpResponse {
    let query = params(request.query_string().as_bytes());
    let mut state = state.lock().expect("state");
    assert_eq!(query["client_id"], FakeGitHub::CLIENT.0);
    assert_eq!(query["code_challenge_method"], "S256");
    let mut back = url::Url::parse(&query["redirect_uri"]).expect("a redirect URI");
    if matches!(state.mood, Some(Mood::Denies)) {
        let error = [("error", "access_denied"), ("error_description", "The user has denied")];
        back.query_pairs_mut().extend_pairs(error);
    } else if let Some(Mood::SendsBack(error)) = state.mood {
        back.query_pairs_mut().append_pair("error", error);
    } else {
        let code = format!("gh-code-{}", state.challenges.len());
        back.query_pairs_mut().append_pair("code", &code);
        state.challenges.insert(code, query["code_challenge"].clone());
    }
    back.query_pairs_mut().append_pair("state", &query["state"]);
    HttpResponse::Found().insert_header(("Location", back.as_str())).finish()
}

async fn token(state: Data<Mutex<State>>, request: HttpRequest, body: Bytes) -> HttpResponse {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let pause = state.lock().expect("state").hesitation;
    actix_web::rt::time::sleep(pause).await;
    let form = params(&body);
    let basic = request.headers().get("Authorization").and_then(|v| v.to_str().ok());
    let expected =
        BASE64_STANDARD.encode(format!("{}:{}", FakeGitHub::CLIENT.0, FakeGitHub::CLIENT.1));
    let mut state = state.lock().expect("state");
    match state.mood {
        Some(Mood::IsDown) => return HttpResponse::BadGateway().body("<h1>Unicorn</h1>"),
        Some(Mood::RefusesCode) => {
            return HttpResponse::Ok().json(json!({ "error": "bad_verification_code" }));
        }
        Some(Mood::Refuses(error)) => return HttpResponse::Ok().json(json!({ "error": error })),
        _ => {}
    }
    let challenge = form.get("code").and_then(|code| state.challenges.remove(code));
    let verifier = form.get("code_verifier").map_or("", String::as_str);
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let computed = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(hash);
    if basic != Some(&format!("Basic {expected}")) {
        return HttpResponse::Ok().json(json!({ "error": "incorrect_client_credentials" }));
    }
    if challenge != Some(computed) {
        return HttpResponse::Ok().json(json!({ "error": "bad_verification_code" }));
    }
    HttpResponse::Ok().json(json!({
        "access_token": "gho_stand-in", "token_type": "bearer", "scope": "read:user,user:email",
    }))
}

fn knows(request: &HttpRequest) -> bool {
    request.headers().get("Authorization").is_some_and(|value| value == "Bearer gho_stand-in")
}

async fn user(state: Data<Mutex<State>>, request: HttpRequest) -> HttpResponse {
    match (&state.lock().expect("state").mood, knows(&request)) {
        (Some(Mood::LogsIn { id, login }), true) => {
            HttpResponse::Ok().json(json!({ "id": id, "login": login, "email": null }))
        }
        _ => HttpResponse::Unauthorized().json(json!({ "message": "Bad credentials" })),
    }
}

async fn emails(state: Data<Mutex<State>>, request: HttpRequest) -> HttpResponse {
    match (&state.lock().expect("state").mood, knows(&request)) {
        (Some(Mood::LogsIn { login, .. }), true) => HttpResponse::Ok().json(json!([
            { "email": "old@example.org", "primary": false, "verified": true },
            { "email": format!("{login}@example.org"), "primary": true, "verified": true },
        ])),
        _ => HttpResponse::Unauthorized().finish(),
    }
}
