//! The way from a registration to tokens: consent page, login code or session, code, redemption.

use std::time::Duration;

use gateway_tests::{
    browser::{Browser, Page},
    chaos::{
        history::{Act, Consent, Id, Outcome, Path},
        random::Random,
    },
    pkce,
};
use reqwest::StatusCode;
use url::Url;

use super::{Gateway, gateway::Issued, operator};
use crate::stack::{issuer, server_url};

/// The redirect URI of all clients.
pub const CALLBACK: &str = "http://127.0.0.1:7777/callback";

/// The longest time that a person waits for a page.
const PATIENCE: Duration = Duration::from_secs(5);

/// The number of times that a person presses a button, and that a client redeems a code.
const ATTEMPTS: usize = 5;

/// The cookie of the browser session.
const SESSION: &str = "__Host-mcpgw-login";

/// A code with what redeems it.
struct Code {
    code: String,
    verifier: String,
}

/// Lets `client` ask `person` for access. Returns its tokens, or `None` if a fault came in between.
pub(super) async fn connect(
    gateway: &Gateway,
    browser: &mut Browser,
    (person, client): (&str, &str),
    random: &mut Random,
) -> Option<Issued> {
    let code = consent(gateway, browser, person, client).await?;
    redeem(gateway, client, &code, random).await
}

async fn consent(
    gateway: &Gateway,
    browser: &mut Browser,
    person: &str,
    client: &str,
) -> Option<Code> {
    let (verifier, challenge) = pkce::pair();
    let page = open(gateway, browser, person, client, &challenge).await?;
    let knows = knows(&page);
    let login_code =
        if knows { String::new() } else { operator::login_code(gateway, person).await? };
    let decision = if knows { "allow" } else { "local" };
    for _ in 0..ATTEMPTS {
        let began = gateway.history.now();
        let pressed = browser.try_decide(&page, decision, &login_code);
        let code = answered(tokio::time::timeout(PATIENCE, pressed).await);
        let session = session(browser);
        let outcome = code.clone().map(|code| Consent { code: Id::of(&code), session });
        let (name, id) = (person.to_owned(), Id::of(client));
        gateway.history.add(began, Act::Consent { person: name, client: id, outcome });
        match code {
            Outcome::Done(code) => return Some(Code { code, verifier }),
            Outcome::Refused(_) => return None,
            Outcome::Unknown(_) => tokio::time::sleep(Duration::from_millis(700)).await,
        }
    }
    None
}

/// Opens the consent page.
async fn open(
    gateway: &Gateway,
    browser: &mut Browser,
    person: &str,
    client: &str,
    challenge: &str,
) -> Option<Page> {
    let mut url = Url::parse(&format!("{}/authorize", issuer())).expect("a URL");
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        ("resource", &server_url()),
    ]);
    let (began, session) = (gateway.history.now(), session(browser));
    let answer = tokio::time::timeout(PATIENCE, browser.try_get(&url)).await;
    let page = answer.ok().and_then(Result::ok);
    let outcome = match &page {
        Some(page) if page.find_hidden("flow").is_some() => Outcome::Done(knows(page)),
        Some(page) if page.status == StatusCode::BAD_REQUEST => Outcome::Refused("400".into()),
        Some(page) => Outcome::Unknown(page.status.as_u16().to_string()),
        None => Outcome::Unknown("no page".into()),
    };
    let is_open = outcome.done().is_some();
    let (name, id) = (person.to_owned(), Id::of(client));
    gateway.history.add(began, Act::Page { person: name, client: id, session, outcome });
    page.filter(|_| is_open)
}

/// Returns `true` if the page knows who sits before it.
fn knows(page: &Page) -> bool {
    page.body.contains("value=\"allow\"")
}

/// Returns the code that the answer to a consent page leads to.
fn answered(answer: Result<reqwest::Result<Page>, tokio::time::error::Elapsed>) -> Outcome<String> {
    let Ok(Ok(page)) = answer else { return Outcome::Unknown("no page".into()) };
    let code = page.next().and_then(|next| {
        let mut pairs = next.query_pairs();
        pairs.find(|(name, _)| name == "code").map(|(_, code)| code.into_owned())
    });
    match code {
        Some(code) => Outcome::Done(code),
        None if page.status.is_server_error() => Outcome::Unknown(page.status.as_u16().to_string()),
        None => Outcome::Refused(format!("{} without a code", page.status.as_u16())),
    }
}

fn session(browser: &Browser) -> Option<Id> {
    browser.cookies.values().find_map(|jar| jar.get(SESSION)).map(|cookie| Id::of(cookie))
}

/// Redeems a code, now and then at both instances at the same time.
async fn redeem(
    gateway: &Gateway,
    client: &str,
    code: &Code,
    random: &mut Random,
) -> Option<Issued> {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("code", &code.code),
        ("code_verifier", &code.verifier),
    ];
    let redeem = |path| gateway.redeem(path, &code.code, &form);
    for _ in 0..ATTEMPTS {
        let answers = if random.chance(30) {
            let (one, other) = tokio::join!(redeem(Path::Instance(0)), redeem(Path::Instance(1)));
            vec![one, other]
        } else {
            vec![redeem(Path::Edge).await]
        };
        if let Some(issued) = answers.iter().find_map(Outcome::done) {
            return Some(issued.clone());
        }
        if answers.iter().all(Outcome::is_refused) {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    None
}
