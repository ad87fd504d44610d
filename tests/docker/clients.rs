//! The official SDKs at the servers of `docker-compose.yml`: discovery, registration, login with GitHub, a
//! call of a tool; and again later, as people come back to a connector.

use gateway_tests::sdk::{Answer, Driver, Sdk};
use serde_json::{Value, json};

use crate::{Scenario, Stage, compose::Compose};

pub(crate) const SCENARIOS: &[Scenario] =
    &[("official_clients_use_every_server", official_clients_use_every_server)];

/// A tool of a server, and what its result says.
struct Use {
    server: &'static str,
    tool: &'static str,
    arguments: Value,
    says: &'static str,
}

fn uses(compose: &Compose) -> Vec<Use> {
    let use_of = |server, tool, arguments, says| Use { server, tool, arguments, says };
    // A public page would make the test depend on others; that of the stand-in is on a private address,
    // which the server refuses, and says so.
    let page = json!({ "url": format!("{}/page", compose.github.url) });
    vec![
        use_of("everything", "echo", json!({ "message": "hello there" }), "hello there"),
        use_of("everything-http", "echo", json!({ "message": "hello there" }), "hello there"),
        use_of("fetch", "fetch", page, "private"),
        use_of("filesystem", "list_directory", json!({ "path": "/data" }), "content"),
        use_of("git", "git_status", json!({ "repo_path": "/data/repository" }), "branch"),
        use_of("memory", "read_graph", json!({}), "entities"),
        use_of(
            "playwright",
            "browser_navigate",
            json!({ "url": "data:text/html,<title>Seen</title>" }),
            "Seen",
        ),
        use_of("sequentialthinking", "sequentialthinking", thought(), "thoughtNumber"),
        use_of("time", "get_current_time", json!({ "timezone": "UTC" }), "is_dst"),
        use_of("tmux", "list_sessions", json!({}), "content"),
    ]
}

fn thought() -> Value {
    json!({ "thought": "so", "thoughtNumber": 1, "totalThoughts": 1, "nextThoughtNeeded": false })
}

/// Clients that logged in once, and what each does at its server.
#[derive(Default)]
pub(crate) struct Fleet {
    members: Vec<Member>,
    /// Every access token that was seen.
    pub(crate) tokens: Vec<String>,
}

struct Member {
    driver: Driver,
    what: Use,
}

impl Fleet {
    /// Each calls its tool, and nobody has to log in again.
    pub(crate) fn all_work(&mut self, when: &str) {
        self.each(when, |driver, what| driver.call(what.tool, &what.arguments));
    }

    /// The same with access tokens that have expired: all of them refresh.
    pub(crate) fn all_refresh(&mut self, when: &str) {
        self.each(when, |driver, what| driver.expire_and_call(what.tool, &what.arguments));
    }

    fn each(&mut self, when: &str, step: impl Fn(&mut Driver, &Use) -> Answer) {
        assert!(self.members.len() >= 6, "nobody has logged in");
        for Member { driver, what } in &mut self.members {
            let answer = step(driver, what);
            assert_eq!(answer.logins, 1, "{when}: {} had to log in again", what.server);
            answer.assert_says(what.says);
            self.tokens.push(answer.token);
        }
    }
}

fn official_clients_use_every_server(stage: &Stage) {
    let mut fleet = stage.fleet();
    for (index, what) in uses(&stage.compose).into_iter().enumerate() {
        let sdk = Sdk::ALL[index % Sdk::ALL.len()];
        let url = stage.compose.url(what.server);
        let mut driver = Driver::start(sdk, &stage.compose);
        let opened = driver.open(&url, &[]);
        println!("{:20} {:32} {}", what.server, sdk.package(), opened.claims["client_id"]);
        assert!(opened.body["tools"].as_array().is_some_and(|tools| !tools.is_empty()));
        assert_eq!(opened.claims["aud"], url.as_str());
        assert_eq!(opened.claims["preferred_username"], "octocat");
        fleet.tokens.push(opened.token);
        fleet.members.push(Member { driver, what });
    }
    fleet.all_work("after the login");
    fleet.all_refresh("with an old token");
}
