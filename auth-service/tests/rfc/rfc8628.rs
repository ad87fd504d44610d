//! RFC 8628: device authorization.

use auth_service::{
    model::{ClientId, Clock, ResourceUri},
    store::{Selection, Store},
};
use gateway_tests::browser::{Browser, Page};
use serde_json::json;
use url::Url;

use crate::support::{Answer, App, Gateway, ISSUER, TIME};

pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(crate) struct Device {
    pub(crate) gateway: Gateway,
    pub(crate) app: App,
    pub(crate) codes: Answer,
}

impl Device {
    async fn start() -> Self {
        Self::at(Gateway::start()).await
    }

    pub(crate) async fn at(gateway: Gateway) -> Self {
        Self::asking(gateway, &[("resource", TIME)]).await
    }

    /// A device whose client does not know of `resource`.
    pub(crate) async fn without_resource(gateway: Gateway) -> Self {
        Self::asking(gateway, &[]).await
    }

    async fn asking(gateway: Gateway, more: &[(&str, &str)]) -> Self {
        let metadata = json!({
            "client_name": "Television",
            "token_endpoint_auth_method": "none",
            "grant_types": [GRANT, "refresh_token"],
        });
        let registered = gateway.register(metadata).await;
        assert_eq!(registered.status, 201, "{registered:?}");
        let app = App { id: registered.text("client_id"), secret: None };
        let form = [&[("client_id", app.id.as_str())], more].concat();
        let codes = gateway.post("/device_authorization", &form).await;
        assert_eq!(codes.status, 200, "{codes:?}");
        Self { gateway, app, codes }
    }

    pub(crate) async fn poll(&self) -> Answer {
        self.poll_as(&self.app.id).await
    }

    async fn poll_as(&self, id: &str) -> Answer {
        let code = self.codes.text("device_code");
        let form = [("grant_type", GRANT), ("client_id", id), ("device_code", code.as_str())];
        self.gateway.post("/token", &form).await
    }

    pub(crate) async fn page(&self, browser: &mut Browser, typed: &str) -> Page {
        let mut url = Url::parse(&format!("{ISSUER}/device")).unwrap();
        url.query_pairs_mut().append_pair("user_code", typed);
        browser.get(&url).await
    }

    pub(crate) async fn decide(&self, browser: &mut Browser, decision: &str) -> Page {
        let page = self.page(browser, &self.codes.text("user_code")).await;
        let code = self.gateway.login_code("alice").await;
        browser.decide(&page, decision, &code).await
    }
}

/// §3.2, §3.3.1: codes, where to type them, for how long, how often to ask.
#[tokio::test]
async fn a_device_gets_its_codes() {
    let device = Device::start().await;
    let (page, code) = (format!("{ISSUER}/device"), device.codes.text("user_code"));
    assert_eq!(device.codes.text("verification_uri"), page);
    assert_eq!(device.codes.text("verification_uri_complete"), format!("{page}?user_code={code}"));
    assert_eq!(
        (&device.codes.body["expires_in"], &device.codes.body["interval"]),
        (&json!(300), &json!(5))
    );
    assert_eq!(device.codes.header("cache-control"), "no-store");
}

/// §3.3: the person sees who asks, for what, and the code to compare; then the device goes on.
#[tokio::test]
async fn a_person_allows_a_device() {
    let device = Device::start().await;
    assert_eq!(device.poll().await.error(), (400, "authorization_pending"));
    let mut browser = device.gateway.browser();
    let sloppy = device.codes.text("user_code").to_lowercase().replace('-', "");
    let page = device.page(&mut browser, &sloppy).await;
    for text in ["Television", TIME, &device.codes.text("user_code"), "If somebody sent you here"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let done = device.decide(&mut browser, "local").await;
    assert_eq!((done.status.as_u16(), done.next()), (200, None));
    assert!(done.body.contains("<h1>Connected</h1>"), "{}", done.body);
    device.gateway.clock.advance(5);
    let tokens = device.poll().await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let token = tokens.text("access_token");
    let identity = device.gateway.verify(TIME, &token).await;
    assert_eq!((identity.status, identity.header("x-user-id")), (200, "local:alice"));
    let refreshed = device.gateway.refresh(&device.app, &tokens.text("refresh_token")).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    device.gateway.clock.advance(5);
    assert_eq!(device.poll().await.error(), (400, "invalid_grant"), "a device code is used once");
}

/// §3.5: asking faster than the interval is `slow_down`, and loses nothing.
#[tokio::test]
async fn a_device_that_asks_too_often_is_slowed_down() {
    let device = Device::start().await;
    assert_eq!(device.poll().await.error(), (400, "authorization_pending"));
    device.gateway.clock.advance(4);
    assert_eq!(device.poll().await.error(), (400, "slow_down"));
    device.gateway.clock.advance(5);
    assert_eq!(device.poll().await.error(), (400, "authorization_pending"));
}

/// What was revoked before the device came for it is not given.
#[tokio::test]
async fn an_answer_is_revoked() {
    for what in ["user", "client", "server", "all"] {
        let device = Device::start().await;
        let done = device.decide(&mut device.gateway.browser(), "local").await;
        assert_eq!(done.status, 200);
        let what = match what {
            "user" => Selection::User("alice".into()),
            "client" => Selection::Client(ClientId::parsed(&device.app.id)),
            "server" => Selection::Server(ResourceUri::parse(TIME).unwrap()),
            _ => Selection::All,
        };
        let store = Store::open(&device.gateway.config.redis).unwrap();
        store.maintenance.revoke(&what, device.gateway.clock.now(), None).await.unwrap();
        assert_eq!(device.poll().await.error(), (400, "invalid_grant"), "{what:?}");
    }
}

/// §3.5: declined is `access_denied`; the codes are of no more use.
#[tokio::test]
async fn a_person_declines_a_device() {
    let device = Device::start().await;
    let mut browser = device.gateway.browser();
    let done = device.decide(&mut browser, "deny").await;
    assert_eq!((done.status.as_u16(), done.next()), (200, None));
    assert_eq!(device.poll().await.error(), (400, "access_denied"));
    let again = device.page(&mut browser, &device.codes.text("user_code")).await;
    assert_eq!(again.status, 400);
    assert!(again.body.contains("This code is unknown"));
}

/// §3.5: after five minutes the device is told so, and the person is shown no page.
#[tokio::test]
async fn codes_expire() {
    let device = Device::start().await;
    device.gateway.clock.advance(300);
    assert_eq!(device.poll().await.error(), (400, "expired_token"));
    let page = device.page(&mut device.gateway.browser(), &device.codes.text("user_code")).await;
    assert_eq!(page.status, 400);
}

/// A device code is good only for the client it was issued to, and only for one that registered.
#[tokio::test]
async fn a_device_code_belongs_to_its_client() {
    let device = Device::start().await;
    device.decide(&mut device.gateway.browser(), "local").await;
    let other = device.gateway.app().await;
    assert_eq!(device.poll_as(&other.id).await.error(), (400, "invalid_grant"));
    assert_eq!(device.poll().await.status, 200);
    let form = [("client_id", other.id.as_str()), ("resource", TIME)];
    let refused = device.gateway.post("/device_authorization", &form).await;
    assert_eq!(refused.error(), (400, "unauthorized_client"));
    let nobody = device.gateway.post("/device_authorization", &[("client_id", "nobody")]).await;
    assert_eq!(nobody.error(), (401, "invalid_client"));
}

/// Of twenty requests with one allowed code, one gets tokens.
#[tokio::test]
async fn an_allowed_code_is_redeemed_once() {
    let device = Device::start().await;
    device.decide(&mut device.gateway.browser(), "local").await;
    let polls = (0..20).map(|_| device.poll());
    let answers = futures_util::future::join_all(polls).await;
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(good, 1, "{answers:?}");
}

/// §3.3: without a code the page asks for one.
#[tokio::test]
async fn the_page_asks_for_the_code() {
    let gateway = Gateway::start();
    let url = Url::parse(&format!("{ISSUER}/device")).unwrap();
    let page = gateway.browser().get(&url).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("name=\"user_code\""));
}
