//! Logins at a real OpenID provider through the gateway.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use auth_service::model::{Clock, SystemClock};
use gateway_tests::{
    browser::{Browser, Page},
    pkce,
    provider::Provider,
};

use crate::support::{Answer, App, CALLBACK, Gateway, query};

/// Gives a gateway the time of this machine, which its providers have, too.
pub(crate) fn set_real_time(gateway: &Gateway) {
    gateway.clock.advance(SystemClock.now().0 - gateway.clock.now().0);
}

/// Waits until `holds`, and panics with `what` after 20 seconds.
pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "did not happen: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The table of a provider, whose secret is the variable `SECRET`.
pub(crate) fn table(name: &str, op: &impl Provider) -> String {
    format!(
        "[provider.{name}]\ntitle = \"Provider {name}\"\nissuer = \"{}\"\nclient_id = \"{}\"\n\
         client_secret_variable = \"SECRET\"\n",
        op.issuer(),
        op.client().0
    )
}

/// The consent page of a new browser, with its verifier.
pub(crate) async fn consent_page(
    gateway: &Gateway,
    app: &App,
    resource: &str,
) -> (Browser, Page, String) {
    let (verifier, challenge) = pkce::pair();
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&challenge, &[("resource", resource)])).await;
    assert_eq!(page.status, 200, "{page:?}");
    (browser, page, verifier)
}

/// Logs `person` in at `op`, the provider `name`. Returns the last page or redirect of the gateway.
pub(crate) async fn log_in(
    op: &impl Provider,
    browser: &mut Browser,
    page: &Page,
    (name, person): (&str, &str),
) -> Page {
    let sent = browser.decide(page, &format!("login:{name}"), "").await;
    let there = sent.next().unwrap_or_else(|| panic!("leads nowhere: {sent:?}"));
    let back = op.log_in(&mut op.browser(), there.as_str(), person).await;
    browser.get(&back).await
}

/// Tokens of `person` of the provider `name` for the server at `resource`, or the answer without a code.
pub(crate) async fn try_tokens(
    (gateway, op): (&Gateway, &impl Provider),
    app: &App,
    whom: (&str, &str),
    resource: &str,
) -> Result<Answer, Page> {
    let (mut browser, page, verifier) = consent_page(gateway, app, resource).await;
    let back = log_in(op, &mut browser, &page, whom).await;
    let Some(next) = back.next().filter(|next| next.as_str().starts_with(CALLBACK)) else {
        return Err(back);
    };
    let answer: HashMap<String, String> = query(&next);
    match answer.get("code") {
        Some(code) => Ok(gateway.redeem(app, code, &verifier).await),
        None => Err(back),
    }
}
