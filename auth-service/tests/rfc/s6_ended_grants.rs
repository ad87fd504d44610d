//! Each way a grant or an access token ends is told to the proxies, which know it by the signed identity.

use auth_service::{
    model::{ClientId, Clock, Identifier, ResourceUri, UnixTime},
    store::Selection,
};
use serde_json::json;

use crate::{
    forger::parts,
    s6_reader::{Reader, hashes, operator},
    support::{Answer, App, GIT, Gateway, TIME, answer},
};

/// A client and its tokens.
struct Held {
    app: App,
    registration: (String, String),
    tokens: Answer,
    code: (String, String),
}

impl Held {
    async fn new(gateway: &Gateway, resource: &str) -> Self {
        let metadata = json!({
            "redirect_uris": [crate::support::CALLBACK],
            "software_id": gateway_tests::pkce::pair().0,
            "token_endpoint_auth_method": "none",
        });
        let registered = gateway.register(metadata).await;
        let app = App { id: registered.text("client_id"), secret: None };
        let (query, verifier) = gateway.consent(&app, "alice", &[("resource", resource)]).await;
        let code = (query["code"].clone(), verifier);
        let tokens = gateway.redeem(&app, &code.0, &code.1).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        let token = registered.text("registration_access_token");
        Self { registration: (app.id.clone(), token), app, tokens, code }
    }

    fn hashes(&self) -> (String, String) {
        hashes(&self.tokens.text("access_token"))
    }

    async fn rfc7009(&self, gateway: &Gateway, token: &str) {
        let form = [("client_id", self.app.id.as_str()), ("token", token)];
        assert_eq!(gateway.post("/revoke", &form).await.status, 200);
    }
}

/// Ways in which a grant ends before its time.
const ENDS: [&str; 13] = [
    "user",
    "client",
    "server",
    "before",
    "all",
    "damaged",
    "command",
    "client delete",
    "refresh token replayed",
    "code replayed",
    "refresh token revoked",
    "registration deleted",
    "not allowed any more",
];

impl Held {
    /// What an operator selects to end it.
    fn selection(&self, gateway: &Gateway, what: &str) -> Option<Selection> {
        match what {
            "user" => Some(Selection::User("alice".into())),
            "client" => Some(Selection::Client(ClientId::parsed(&self.app.id))),
            "server" => Some(Selection::Server(ResourceUri::parse(TIME).unwrap())),
            "before" => Some(Selection::Before(UnixTime(gateway.clock.now().0 + 1))),
            "all" => Some(Selection::All),
            "damaged" => {
                let claims = parts(&self.tokens.text("access_token"))[1].clone();
                let key = format!("mcpgw:grant:{{{}}}", claims["grant_id"].as_str().unwrap());
                gateway.redis.cli(&["SET", &key, "{}"]);
                Some(Selection::All)
            }
            _ => None,
        }
    }

    /// Ends it in one of the ways of [`ENDS`].
    async fn end(&self, gateway: &Gateway, what: &str) {
        if let Some(selection) = self.selection(gateway, what) {
            operator(gateway)
                .maintenance
                .revoke(&selection, gateway.clock.now(), None)
                .await
                .unwrap();
            return;
        }
        let refresh = self.tokens.text("refresh_token");
        match what {
            "command" => {
                drop(gateway.cli(&["token", "revoke", "--yes", "--user", "alice"]).unwrap());
            }
            "client delete" => {
                drop(gateway.cli(&["client", "delete", "--yes", &self.app.id]).unwrap());
            }
            "refresh token replayed" => {
                assert_eq!(gateway.refresh(&self.app, &refresh).await.status, 200);
                gateway.clock.advance(301);
                assert_eq!(gateway.refresh(&self.app, &refresh).await.status, 400);
            }
            "code replayed" => {
                let (code, verifier) = &self.code;
                gateway.clock.advance(11);
                assert_eq!(gateway.redeem(&self.app, code, verifier).await.status, 400);
            }
            "refresh token revoked" => self.rfc7009(gateway, &refresh).await,
            "registration deleted" => {
                let (id, token) = &self.registration;
                let url = format!("{}/register/{id}", gateway.base);
                let deleted = answer(gateway.http.delete(url).bearer_auth(token)).await;
                assert_eq!(deleted.status, 204);
            }
            "not allowed any more" => {
                gateway.set_servers(&json!({ "time": {}, "git": { "allow": ["bob"] } }));
                assert_eq!(gateway.refresh(&self.app, &refresh).await.status, 400);
            }
            other => panic!("{other}"),
        }
    }
}

/// Each way a grant ends, whoever ends it: this process, another one, or the operator at Redis.
#[tokio::test]
async fn s6_every_end_is_told() {
    let gateway = Gateway::start();
    // The clock of the machine from here on, which the program has.
    gateway.cli(&["client", "list"]).unwrap();
    let mut reader = Reader::current(&gateway).await;
    for what in ENDS {
        let resource = if what == "not allowed any more" { GIT } else { TIME };
        let held = Held::new(&gateway, resource).await;
        held.end(&gateway, what).await;
        reader.expect(what, &held.hashes().0).await;
    }
}

/// An access token that ends alone is told by its own hash.
#[tokio::test]
async fn s6_the_end_of_an_access_token_is_told() {
    let gateway = Gateway::start();
    let mut reader = Reader::current(&gateway).await;
    for what in ["access token revoked", "jti"] {
        let held = Held::new(&gateway, TIME).await;
        let access = held.tokens.text("access_token");
        if what == "jti" {
            let jti = Identifier::parsed(parts(&access)[1]["jti"].as_str().unwrap());
            operator(&gateway)
                .maintenance
                .revoke(&Selection::Jti(jti), gateway.clock.now(), None)
                .await
                .unwrap();
        } else {
            held.rfc7009(&gateway, &access).await;
        }
        reader.expect(what, &held.hashes().1).await;
        let refreshed = gateway.refresh(&held.app, &held.tokens.text("refresh_token")).await;
        assert_eq!(refreshed.status, 200, "the grant lives on");
    }
}

/// What a server gets to know is what the feed names, and no id of a grant or a token.
#[tokio::test]
async fn s6_the_signed_identity_says_what_it_ends_with() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let access = tokens.text("access_token");
    let claims = async |token: &str| {
        let answer = gateway.verify(TIME, token).await;
        assert_eq!(answer.status, 200);
        parts(answer.header("x-mcp-identity"))[1].clone()
    };
    let first = claims(&access).await;
    let (grant, token) = hashes(&access);
    assert_eq!(first["grant_hash"], grant);
    assert_eq!(first["token_hash"], token);
    assert_eq!(first["token_exp"], parts(&access)[1]["exp"]);
    for id in ["grant_id", "jti"] {
        let id = parts(&access)[1][id].as_str().unwrap().to_owned();
        assert!(!first.to_string().contains(&id));
    }
    // The next token of the grant, whose identity is made at once.
    gateway.clock.advance(10);
    let refreshed = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    let second = claims(&refreshed.text("access_token")).await;
    assert_eq!(second["grant_hash"], grant);
    assert_ne!(second["token_hash"], token);
    assert!(second["token_exp"].as_i64() > first["token_exp"].as_i64());
    // A second login of the same person with the same client is another grant.
    let other = gateway.tokens(&app, "alice", TIME).await;
    assert_ne!(claims(&other.text("access_token")).await["grant_hash"], grant);
}
