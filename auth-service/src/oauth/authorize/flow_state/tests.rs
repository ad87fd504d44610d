//! Tests of the transitions: every state with every request of the browser.

use serde_json::{Value, json};

use super::*;
use crate::model::{Clock, SystemClock};

const CSRF: &str = "csrf token of the open page";
const STATE: &str = "state of the login";
const SERVER: &str = "https://time.gw.example/mcp";

/// Returns a pending authorization as earlier versions sealed it.
fn sealed(resources: &[&str], stage: &Value) -> Value {
    json!({
        "id": "flow",
        "request": {
            "client_id": "client",
            "client_name": "App",
            "resources": resources,
            "scopes": "mcp",
            "reply": {"redirect": {
                "uri": "https://app.example/callback",
                "state": "xyz",
                "code_challenge": "challenge",
            }},
        },
        "prompt": "needed",
        "browser": Fingerprint::of("browser"),
        "stage": stage,
        "expires_at": 1_750_000_000,
    })
}

fn page_open() -> Value {
    json!({"awaiting_consent": {"csrf": Fingerprint::of(CSRF)}})
}

fn at_provider() -> Value {
    let state = Fingerprint::of(STATE);
    let revocations = [Some("7"), None];
    json!({"at_provider": {"state": state, "verifier": "verifier", "revocations": revocations}})
}

/// Returns a flow in the state of this name.
fn flow(state: &str) -> FlowState {
    let sealed = match state {
        "server choice" => sealed(&[], &page_open()),
        "consent" => sealed(&[SERVER], &page_open()),
        "at the provider" => sealed(&[SERVER], &at_provider()),
        other => panic!("no state {other}"),
    };
    FlowState::of(serde_json::from_value(sealed).unwrap())
}

fn name(state: &FlowState) -> &'static str {
    match state {
        FlowState::ServerChoice { .. } => "server choice",
        FlowState::Consent { .. } => "consent",
        FlowState::AtProvider { .. } => "at the provider",
    }
}

/// Submits the form with this button, and returns the transition.
fn submit(state: &str, csrf: &str, button: &str) -> &'static str {
    let decision = match button {
        "server" => Decision::Server(SERVER.to_owned()),
        "allow" => Decision::LoggedIn,
        "local" => Decision::Local(LoginCode::typed("ABCD-EFGH")),
        "provider" => Decision::Provider("github".to_owned()),
        "deny" => Decision::Deny,
        other => panic!("no button {other}"),
    };
    match flow(state).decide(&CsrfToken::presented(csrf), decision) {
        Ok(Decided::Denied) => "denied",
        Ok(Decided::Server(..)) => "server chosen",
        Ok(Decided::Departure(..)) => "to the provider",
        Ok(Decided::LoggedIn(_)) => "consented",
        Ok(Decided::LoginCode(..)) => "consented with a code",
        Ok(Decided::NotOffered(_)) => "page again",
        Err(NotAwaited) => "refused",
    }
}

fn call_back(from: &str, provider: &str, state: &str) -> &'static str {
    match flow(from).call_back(provider, &LoginState::presented(state)) {
        Ok(CalledBack::Returned(_)) => "consented",
        Ok(CalledBack::PageOpen(_)) => "page again",
        Err(NotAwaited) => "refused",
    }
}

#[test]
fn every_state_takes_its_own_requests_and_refuses_all_others() {
    let buttons = ["server", "allow", "local", "provider", "deny"];
    let table = [
        ("server choice", ["server chosen", "page again", "page again", "page again", "denied"]),
        (
            "consent",
            ["page again", "consented", "consented with a code", "to the provider", "denied"],
        ),
        ("at the provider", ["refused"; 5]),
    ];
    for (state, transitions) in table {
        for (button, transition) in buttons.into_iter().zip(transitions) {
            assert_eq!(submit(state, CSRF, button), transition, "{state}: {button}");
            // The fingerprint of a login's state opens no form, and that of a form no login.
            for forged in ["", "another token", STATE] {
                assert_eq!(submit(state, forged, button), "refused", "{state}: {button}, forged");
            }
        }
    }
}

#[test]
fn a_callback_is_taken_at_the_provider_alone() {
    for (from, own, other) in [
        ("server choice", "page again", "page again"),
        ("consent", "page again", "page again"),
        ("at the provider", "consented", "refused"),
    ] {
        assert_eq!(call_back(from, "github", STATE), own, "{from}");
        for forged in ["", "another state", CSRF] {
            assert_eq!(call_back(from, "github", forged), other, "{from}, forged");
        }
        assert_eq!(call_back(from, "okta", STATE), other, "{from}, at another provider");
    }
}

#[test]
fn a_chosen_server_is_consented_to_before_anything_else() {
    let Ok(Decided::Server(choice, url)) = flow("server choice")
        .decide(&CsrfToken::presented(CSRF), Decision::Server(SERVER.to_owned()))
    else {
        panic!("the page offers servers")
    };
    let scopes = Scopes::parse("mcp").unwrap();
    let chosen = choice.choose(ResourceUri::parse(&url).unwrap(), scopes);
    assert_eq!(name(&FlowState::of(chosen)), "consent");
}

#[test]
fn a_departure_leads_to_the_provider() {
    let decided = flow("consent")
        .decide(&CsrfToken::presented(CSRF), Decision::Provider("github".to_owned()));
    let Ok(Decided::Departure(departure, _)) = decided else { panic!("the page offers GitHub") };
    let FlowState::AtProvider { login, .. } = flow("at the provider") else { panic!("a login") };
    let departed = departure.depart(login.clone(), UnixTime(9));
    assert_eq!((departed.expires_at, &departed.stage), (UnixTime(9), &Stage::AtProvider(login)));
    assert_eq!(name(&FlowState::of(departed)), "at the provider");
}

#[test]
fn the_page_of_any_state_opens_again_with_a_token_of_its_own() {
    let (token, session) = (CsrfToken::generate().unwrap(), BrowserSession::generate().unwrap());
    let end = SystemClock.now();
    for (from, to) in
        [("server choice", "server choice"), ("consent", "consent"), ("at the provider", "consent")]
    {
        let open = open_page(flow(from).into_pending(), &token, &session, end);
        assert_eq!((open.expires_at, &open.browser), (end, &session.fingerprint()), "{from}");
        let state = FlowState::of(open);
        assert_eq!(name(&state), to, "{from}");
        let earlier = state.decide(&CsrfToken::presented(CSRF), Decision::Deny);
        assert_eq!(earlier.err(), Some(NotAwaited), "{from}: the earlier page is closed");
    }
}

#[test]
fn what_earlier_versions_sealed_is_read_and_written_unchanged() {
    for (resources, stage) in
        [(&[][..], page_open()), (&[SERVER][..], page_open()), (&[SERVER][..], at_provider())]
    {
        let sealed = sealed(resources, &stage);
        let pending: PendingAuthorization = serde_json::from_value(sealed.clone()).unwrap();
        assert_eq!(serde_json::to_value(&pending).unwrap(), sealed);
    }
}
