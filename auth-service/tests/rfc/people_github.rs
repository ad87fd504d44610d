//! Organizations and teams of GitHub in the access policy, and people who leave them.

use std::{path::PathBuf, sync::Arc, time::Duration};

use auth_service::{
    admission::PolicyFile,
    oauth::{Operation, RequestTarget},
};
use gateway_tests::{
    browser::Page,
    github::{FakeGitHub, Mood, Place, Reply},
    pkce,
};
use tempfile::TempDir;

use crate::{
    people::until,
    support::{Answer, App, CALLBACK, GIT, Gateway, TIME, grants, query},
};

const TEAM: &str = r#"
[login]
allow = ["org:github:acme", "github:hubot"]
[[rule]]
who = ["*"]
servers = ["time"]
[[rule]]
who = ["team:github:acme/sre"]
servers = ["git"]
"#;

/// A gateway with an access file. Its servers are for everybody, as far as they are concerned.
struct Ruled {
    gateway: Gateway,
    file: PathBuf,
    _directory: TempDir,
}

fn start(policy: &str, settings: &[(&str, &str)]) -> Ruled {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("access.toml");
    std::fs::write(&file, policy).unwrap();
    let name = file.display().to_string();
    let own = [("ACCESS_FILE", name.as_str()), ("ALLOWED_GITHUB_USERS", "")];
    let gateway = Gateway::with(&[&own[..], settings].concat());
    gateway.set_servers(&serde_json::json!({ "time": {}, "git": {} }));
    Ruled { gateway, file, _directory: directory }
}

impl Ruled {
    /// Tokens of the account that logs in at GitHub now, or the page that refuses it.
    async fn try_tokens(&self, app: &App, resource: &str) -> Result<Answer, Page> {
        let (verifier, challenge) = pkce::pair();
        let mut browser = self.gateway.browser();
        let page = browser.get(&app.authorize_url(&challenge, &[("resource", resource)])).await;
        let sent = browser.decide(&page, "github", "").await;
        let at_github = browser.get(&sent.next().unwrap()).await;
        let back = browser.get(&at_github.next().unwrap()).await;
        match back.next() {
            Some(next) if next.as_str().starts_with(CALLBACK) => {
                Ok(self.gateway.redeem(app, &query(&next)["code"], &verifier).await)
            }
            _ => Err(back),
        }
    }

    async fn tokens(&self, app: &App, resource: &str) -> Answer {
        self.try_tokens(app, resource).await.unwrap()
    }

    /// Lets the provider be asked at once after it gave no answer.
    fn forget_failure(&self) {
        let locks = self.gateway.redis.cli(&["KEYS", "mcpgw:facts-lock:*"]);
        for lock in locks.lines().filter(|lock| !lock.is_empty()) {
            self.gateway.redis.cli(&["DEL", lock]);
        }
    }

    async fn status(&self, resource: &str, tokens: &Answer) -> u16 {
        self.gateway.verify(resource, &tokens.text("access_token")).await.status
    }
}

#[tokio::test]
async fn members_of_an_organization_log_in_and_its_teams_use_more() {
    let ruled = start(TEAM, &[]);
    let (github, app) = (&ruled.gateway.github, ruled.gateway.app().await);
    let refused = ruled.try_tokens(&app, TIME).await.unwrap_err();
    assert_eq!(refused.status, 403);
    for place in [Place::Invited, Place::Outside] {
        github.set_org("acme", place);
        assert!(ruled.try_tokens(&app, TIME).await.is_err(), "{place:?}");
    }
    github.join("acme");
    let tokens = ruled.tokens(&app, TIME).await;
    assert_eq!(ruled.status(TIME, &tokens).await, 200);
    assert!(ruled.try_tokens(&app, GIT).await.is_err(), "not in the team");
    github.set_team("acme/sre", Place::Member);
    let tokens = ruled.tokens(&app, GIT).await;
    assert_eq!(ruled.status(GIT, &tokens).await, 200);
    // Only what the policy names was asked for.
    let asked = github.asked();
    assert!(asked.iter().all(|path| !path.starts_with("/user/orgs")), "{asked:?}");
}

/// What GitHub withholds counts against the person, and nobody is logged out by it.
#[tokio::test]
async fn an_organization_that_hides_is_unknown() {
    let ruled = start(TEAM, &[]);
    let (github, app) = (&ruled.gateway.github, ruled.gateway.app().await);
    github.join("acme");
    let tokens = ruled.tokens(&app, TIME).await;
    for (hide, show) in [
        (
            (|github| github.block_app("acme", true)) as fn(&FakeGitHub),
            (|github| github.block_app("acme", false)) as fn(&FakeGitHub),
        ),
        (|github| github.require_sso("acme", true), |github| github.require_sso("acme", false)),
    ] {
        hide(github);
        assert!(ruled.try_tokens(&app, TIME).await.is_err());
        show(github);
        assert_eq!(ruled.tokens(&app, TIME).await.status, 200);
    }
    assert_eq!(grants(&ruled.gateway).await.len(), 3, "none was ended");
    assert_eq!(ruled.status(TIME, &tokens).await, 200);
}

#[tokio::test]
async fn who_leaves_the_organization_is_out_within_the_interval() {
    let ruled = start(TEAM, &[]);
    let (github, app) = (&ruled.gateway.github, ruled.gateway.app().await);
    github.join("acme");
    github.set_team("acme/sre", Place::Member);
    let time = ruled.tokens(&app, TIME).await;
    let git = ruled.tokens(&app, GIT).await;
    // Out of the team first: only its server is lost.
    github.set_team("acme/sre", Place::Outside);
    ruled.gateway.clock.advance(601);
    until("git is closed", async || ruled.status(GIT, &git).await == 401).await;
    assert_eq!(ruled.status(TIME, &time).await, 200);
    github.leave("acme");
    ruled.gateway.clock.advance(601);
    until("time is closed", async || ruled.status(TIME, &time).await == 401).await;
    until("its grant is ended", async || grants(&ruled.gateway).await.is_empty()).await;
    let refused = ruled.gateway.refresh(&app, &time.text("refresh_token")).await;
    assert_eq!(refused.error(), (400, "invalid_grant"));
}

/// Each of these is a definite no, and ends all access at once.
#[tokio::test]
async fn a_revoked_token_or_a_suspended_account_ends_all_access() {
    for end in
        [(|github: &FakeGitHub| github.suspend(true)) as fn(&_), |github| github.revoke_tokens()]
    {
        let ruled = start(TEAM, &[]);
        let (github, app) = (&ruled.gateway.github, ruled.gateway.app().await);
        github.join("acme");
        let tokens = ruled.tokens(&app, TIME).await;
        end(github);
        ruled.gateway.clock.advance(601);
        let refused = ruled.gateway.refresh(&app, &tokens.text("refresh_token")).await;
        assert_eq!(refused.error(), (400, "invalid_grant"));
        assert_eq!(ruled.status(TIME, &tokens).await, 401);
    }
}

/// Silence for an hour throws nobody out. After that requests wait for an answer, and no grant is lost.
#[tokio::test]
async fn an_hour_without_an_answer_throws_nobody_out() {
    for silence in [
        Reply::secondary_limit(403),
        Reply::secondary_limit(429),
        Reply::error(500, "Server Error"),
        Reply::error(403, "Forbidden"),
    ] {
        let ruled = start(TEAM, &[("ACCESS_TOKEN_LIFETIME", "1d")]);
        let (github, app) = (&ruled.gateway.github, ruled.gateway.app().await);
        github.join("acme");
        let tokens = ruled.tokens(&app, TIME).await;
        github.reply("/user", Some(silence));
        // The interval and the grace period.
        ruled.gateway.clock.advance(4199);
        assert_eq!(ruled.status(TIME, &tokens).await, 200);
        let fresh = ruled.gateway.refresh(&app, &tokens.text("refresh_token")).await;
        assert_eq!(fresh.status, 200, "{fresh:?}");
        ruled.gateway.clock.advance(2);
        assert_eq!(ruled.status(TIME, &tokens).await, 503);
        let silent = ruled.gateway.refresh(&app, &fresh.text("refresh_token")).await;
        assert_eq!(silent.error(), (503, "temporarily_unavailable"));
        // It answers again: nobody has to log in.
        github.reply("/user", None);
        ruled.gateway.clock.advance(61);
        ruled.forget_failure();
        assert_eq!(ruled.status(TIME, &tokens).await, 200);
        let again = ruled.gateway.refresh(&app, &fresh.text("refresh_token")).await;
        assert_eq!(again.status, 200, "{again:?}");
    }
}

/// An account that takes the old login name of another one gets nothing of theirs, and the other keeps what is theirs
/// by id.
#[tokio::test]
async fn a_renamed_login_that_another_takes_gives_nothing() {
    let policy = r#"
[login]
allow = ["github:alice", "org:github:acme"]
[[rule]]
who = ["github:alice"]
servers = ["*"]
"#;
    let ruled = start(policy, &[]);
    let (github, app) = (&ruled.gateway.github, ruled.gateway.app().await);
    github.set(Mood::LogsIn { id: 1, login: "alice".into() });
    let alice = ruled.tokens(&app, TIME).await;
    assert_eq!(ruled.status(TIME, &alice).await, 200);
    github.rename("alice2");
    ruled.gateway.clock.advance(601);
    until("the rule is about another name", async || ruled.status(TIME, &alice).await == 401).await;
    github.set(Mood::LogsIn { id: 2, login: "alice".into() });
    let mallory = ruled.tokens(&app, TIME).await;
    let identity = ruled.gateway.verify(TIME, &mallory.text("access_token")).await;
    assert_eq!(identity.headers["x-user-id"], "github:2");
    assert_eq!(ruled.status(TIME, &alice).await, 401);
}

/// Two instances that check the same person at once ask once: a rotating token that comes twice would be taken for a
/// stolen one.
#[tokio::test]
async fn two_instances_check_a_person_once() {
    let ruled = start(TEAM, &[("ACCESS_TOKEN_LIFETIME", "1d")]);
    let (github, app) = (&ruled.gateway.github, ruled.gateway.app().await);
    github.join("acme");
    github.expire_tokens(true);
    let token = ruled.tokens(&app, TIME).await.text("access_token");
    let other = ruled.gateway.instance();
    ruled.gateway.clock.advance(8 * 3600 + 1);
    github.end_access_tokens();
    let before = github.token_requests().len();
    let header = format!("Bearer {token}");
    let target = RequestTarget { authority: "time.gw.example", path: "/mcp" };
    let there = other.verifier.verify(target, Some(header.as_bytes()), &Operation::Unstated);
    let both = async { tokio::join!(ruled.gateway.verify(TIME, &token), there) };
    let (here, there) = tokio::task::LocalSet::new().run_until(both).await;
    assert_eq!(here.status, 200, "{here:?}");
    assert!(there.is_ok(), "{there:?}");
    assert_eq!(github.token_requests().len() - before, 1);
    assert_eq!(grants(&ruled.gateway).await.len(), 1);
}

/// Without a rule that needs it, the token of GitHub is kept nowhere.
#[tokio::test]
async fn a_token_is_kept_only_where_a_rule_needs_it_and_sealed() {
    let plain =
        start("[login]\nallow = [\"github:*\"]\n[[rule]]\nwho = [\"*\"]\nservers = [\"*\"]\n", &[]);
    let app = plain.gateway.app().await;
    plain.tokens(&app, TIME).await;
    assert!(!plain.gateway.dump().contains("provider-token"), "kept without need");
    let ruled = start(TEAM, &[]);
    ruled.gateway.github.join("acme");
    let app = ruled.gateway.app().await;
    ruled.tokens(&app, TIME).await;
    let dump = ruled.gateway.dump();
    assert!(dump.contains("mcpgw:provider-token:"), "{dump}");
    assert!(!dump.contains("gho_"), "in the clear");
}

/// The policy in force follows the file, unless that has a mistake.
#[tokio::test]
async fn an_edited_file_takes_effect_and_ends_what_it_denies() {
    let ruled = start(TEAM, &[]);
    let (policy, file) = PolicyFile::start(&ruled.gateway.config).unwrap();
    assert_eq!(policy, **ruled.gateway.access.borrow());
    tokio::spawn(file.unwrap().watch(ruled.gateway.access.clone()));
    ruled.gateway.github.join("acme");
    let app = ruled.gateway.app().await;
    let tokens = ruled.tokens(&app, TIME).await;
    let failing = "[[test]]\nas = { provider = \"github\", id = \"1\" }\nallow = [\"time\"]\n";
    let mistakes = [
        "[login]\nallow = [\"*\"]\nallo = 1\n".to_owned(),
        "[login]\nallow = [".to_owned(),
        format!("{TEAM}{failing}"),
        TEAM.replace("servers", "severs"),
        TEAM.replace("[\"*\"]", "[]"),
    ];
    for mistake in mistakes {
        std::fs::write(&ruled.file, &mistake).unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(ruled.status(TIME, &tokens).await, 200, "{mistake}");
    }
    std::fs::remove_file(&ruled.file).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(ruled.status(TIME, &tokens).await, 200, "the file is gone");
    // Written in two steps, of which the first would be a file by itself.
    std::fs::write(&ruled.file, TEAM.split("[[rule]]").next().unwrap()).unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    std::fs::write(&ruled.file, TEAM).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(ruled.status(TIME, &tokens).await, 200, "half a file");
    std::fs::write(&ruled.file, TEAM.replace("org:github:acme", "org:github:other")).unwrap();
    until("the grant is ended", async || grants(&ruled.gateway).await.is_empty()).await;
    assert_eq!(ruled.status(TIME, &tokens).await, 401);
}

/// A policy that asks for an organization that nobody was asked about has it asked, and loses nobody.
#[tokio::test]
async fn a_rule_about_another_organization_is_asked_about() {
    let ruled = start(TEAM, &[]);
    let (github, app) = (&ruled.gateway.github, ruled.gateway.app().await);
    github.join("acme");
    github.join("other");
    let tokens = ruled.tokens(&app, TIME).await;
    std::fs::write(&ruled.file, TEAM.replace("org:github:acme", "org:github:other")).unwrap();
    let (policy, _) = PolicyFile::start(&ruled.gateway.config).unwrap();
    ruled.gateway.access.send_replace(Arc::new(policy));
    assert_eq!(ruled.status(TIME, &tokens).await, 200);
    github.leave("other");
    ruled.gateway.clock.advance(601);
    until("out of the other one", async || ruled.status(TIME, &tokens).await == 401).await;
}
