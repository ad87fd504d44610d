//! Containers are restarted, killed and replaced, and nobody notices.

use std::time::{Duration, Instant};

use gateway_tests::{browser::Browser, client::McpClient, pkce, stack::Gateway};
use serde_json::{Value, json};
use url::Url;

use crate::{
    Scenario, Stage,
    compose::{Compose, eventually},
    run,
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("each_container_of_the_gateway_is_restarted", the_gateway_is_restarted),
    ("auth_service_is_killed_in_the_middle_of_a_login", auth_service_is_killed),
    ("redis_is_killed_and_nobody_is_logged_out", redis_is_killed),
    ("each_server_is_restarted", each_server_is_restarted),
    ("images_are_upgraded", images_are_upgraded),
    ("everything_is_taken_down_and_up_again", down_and_up),
    ("a_machine_is_lost_and_its_backup_restored", lost_and_restored),
];

const CALLBACK: &str = "http://127.0.0.1:7777/callback";
const GATEWAY: [&str; 4] = ["traefik", "auth-service", "redis", "socket-proxy"];

/// Somebody who logged in once, and asks without a session, as claude.ai does: sessions are the servers' own,
/// and end with them.
struct Person {
    client: McpClient,
    refresh_token: String,
}

impl Person {
    fn new(compose: &Compose) -> Self {
        run(log_in(compose, || ()))
    }

    /// Waits until requests are answered again, and says how long it took: until then they are 503 with
    /// `Retry-After`, or Traefik is not back.
    fn is_answered(&self, what: &str) {
        let began = Instant::now();
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        eventually(&format!("requests are answered after {what}"), || {
            let client = &self.client;
            let request = client.http.post(&client.url).bearer_auth(&client.token).json(&list);
            let request = request.header("Accept", "application/json, text/event-stream");
            let answer = run(async { request.send().await });
            answer.is_ok_and(|answer| answer.status() == 200)
        });
        println!("{what}: answered {} ms later", began.elapsed().as_millis());
    }

    /// Gets another access token.
    fn refreshes(&mut self, compose: &Compose) {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", self.client.id.as_str()),
            ("refresh_token", self.refresh_token.as_str()),
        ];
        let request = compose.http().post(format!("{}/token", compose.issuer())).form(&form);
        let tokens: Value = run(async { request.send().await.unwrap().json().await.unwrap() });
        let text = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{tokens}"));
        assert_ne!(text("access_token"), self.client.token);
        (self.client.token, self.refresh_token) =
            (text("access_token").to_owned(), text("refresh_token").to_owned());
    }

    /// Both, with the old token and with the new one.
    fn is_still_logged_in(&mut self, compose: &Compose, after: &str) {
        self.is_answered(after);
        self.refreshes(compose);
        self.is_answered(after);
    }
}

/// A login with GitHub, with `pause` while the consent page is open, and between the code and the token.
async fn log_in(compose: &Compose, pause: impl Fn()) -> Person {
    let http = compose.http();
    let metadata = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    let register = http.post(format!("{}/register", compose.issuer())).json(&metadata);
    let client: Value = register.send().await.unwrap().json().await.unwrap();
    let id = client["client_id"].as_str().unwrap().to_owned();
    let (verifier, challenge) = pkce::pair();
    let mut authorize = Url::parse(&format!("{}/authorize", compose.issuer())).unwrap();
    let url = compose.url("time");
    authorize.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", &id),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("scope", "mcp offline_access"),
        ("resource", &url),
    ]);
    let mut browser = Browser::new(compose.http());
    let page = browser.get(&authorize).await;
    pause();
    let sent = browser.decide(&page, "github", "").await;
    let back = browser.follow(sent, CALLBACK).await;
    pause();
    let code = back.query_pairs().find(|(name, _)| name == "code").expect("a code").1;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &id),
        ("code", &code),
        ("code_verifier", &verifier),
    ];
    let token = http.post(format!("{}/token", compose.issuer())).form(&form).send().await;
    let tokens: Value = token.unwrap().json().await.unwrap();
    let text = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
    let (token, refresh_token) = (text("access_token"), text("refresh_token"));
    Person { client: McpClient { url, token, id, http }, refresh_token }
}

fn the_gateway_is_restarted(stage: &Stage) {
    let compose = &stage.compose;
    let person = Person::new(compose);
    for service in GATEWAY {
        compose.run("docker", &["restart", &compose.container(service)]);
        compose.healthy(service);
        person.is_answered(service);
        stage.fleet().all_work(&format!("after {service}"));
    }
}

fn auth_service_is_killed(stage: &Stage) {
    let compose = &stage.compose;
    let mut person = run(log_in(compose, || {
        compose.crash("auth-service");
        answers_again(compose);
    }));
    person.is_still_logged_in(compose, "a crash of auth-service");
    stage.fleet().all_work("after a crash of auth-service");
}

/// Through Traefik, which notices by itself.
fn answers_again(compose: &Compose) {
    let url = format!("{}/health", compose.issuer());
    eventually("auth-service answers again", || {
        let ask = ["--silent", "--fail", "--cacert", compose.ca(), "--max-time", "2", &url];
        compose.output("curl", &ask).status.success()
    });
}

fn redis_is_killed(stage: &Stage) {
    let mut person = Person::new(&stage.compose);
    // Redis writes within a second.
    std::thread::sleep(Duration::from_millis(1500));
    stage.compose.crash("redis");
    person.is_still_logged_in(&stage.compose, "a crash of Redis");
    let mut fleet = stage.fleet();
    fleet.all_work("after a crash of Redis");
    fleet.all_refresh("after a crash of Redis");
}

fn each_server_is_restarted(stage: &Stage) {
    let compose = &stage.compose;
    let mut person = Person::new(compose);
    for service in compose.services() {
        if !GATEWAY.contains(&service.as_str()) {
            compose.run("docker", &["restart", &compose.container(&service)]);
            compose.healthy(&service);
        }
    }
    person.is_still_logged_in(compose, "all servers");
}

/// A new image under a new tag, as after `git pull` and a build.
fn images_are_upgraded(stage: &Stage) {
    let compose = &stage.compose;
    let format = ["--format", "{{.Repository}}"];
    let images = [&["images", "mcp-oauth-gateway/*:latest"][..], &format].concat();
    let images = compose.run("docker", &images);
    for image in images.lines() {
        // The same program in another image.
        let container = compose.run("docker", &["create", &format!("{image}:latest")]);
        let next = format!("{image}:next");
        compose.run("docker", &["commit", "--message", "next", &container, &next]);
        compose.run("docker", &["rm", &container]);
    }
    let mut person = Person::new(compose);
    let before = compose.container("auth-service");
    let text = std::fs::read_to_string(compose.path(".env")).unwrap();
    std::fs::write(compose.path(".env"), format!("{text}GATEWAY_TAG=next\n")).unwrap();
    compose.run("docker", &["compose", "up", "--detach", "--wait"]);
    for service in ["auth-service", "time", "everything"] {
        let image = compose.inspect(&compose.container(service))["Config"]["Image"].to_string();
        assert!(image.contains(":next"), "{service} is {image}");
    }
    assert_ne!(compose.container("auth-service"), before);
    person.is_still_logged_in(compose, "an upgrade");
    std::fs::write(compose.path(".env"), text).unwrap();
    compose.run("docker", &["compose", "up", "--detach", "--wait"]);
    person.is_still_logged_in(compose, "going back");
    for image in images.lines() {
        compose.run("docker", &["image", "rm", &format!("{image}:next")]);
    }
}

fn down_and_up(stage: &Stage) {
    let mut person = Person::new(&stage.compose);
    stage.compose.run("docker", &["compose", "down"]);
    stage.compose.run("docker", &["compose", "up", "--detach", "--wait"]);
    person.is_still_logged_in(&stage.compose, "down and up");
}

/// With its volumes; what is in the backup is enough for everybody to stay logged in.
fn lost_and_restored(stage: &Stage) {
    use std::os::unix::fs::PermissionsExt;
    let compose = &stage.compose;
    let mut person = Person::new(compose);
    compose.run("scripts/backup", &["backup.tar.gz"]);
    let mode = std::fs::metadata(compose.path("backup.tar.gz")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    compose.run("docker", &["compose", "down", "--volumes"]);
    for lost in [".env", "certificates/cert-key.pem", "servers/mcp-servers.json"] {
        std::fs::remove_file(compose.path(lost)).unwrap();
    }
    compose.run("scripts/restore", &["backup.tar.gz"]);
    person.is_still_logged_in(compose, "a restore");
}
