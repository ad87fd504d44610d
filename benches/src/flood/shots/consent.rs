//! The form of the consent page, and the way back from the login provider.

use super::{Vector, junk};
use crate::flood::kit::{Kit, Login, Page};
use crate::flood::probe::LARGEST_BODY;
use crate::flood::shot::{Answer, Shot, encoded};

/// The requests.
pub const VECTORS: &[Vector] = &[
    Vector::new("POST /authorize/consent, to GitHub", to_github)
        .expecting(200)
        .learning(keep_login),
    Vector::new("POST /authorize/consent, a wrong login code", wrong_code).expecting(400),
    Vector::new("POST /authorize/consent, allow without a login", |kit, number| {
        decide(kit, number, &[("decision", "allow")])
    }),
    Vector::new("POST /authorize/consent, deny", |kit, number| {
        decide(kit, number, &[("decision", "deny")])
    }),
    Vector::new("POST /authorize/consent, a junk form", junk_form).expecting(400),
    Vector::new("GET /callback, a real state and a junk code", real_callback),
    Vector::new("GET /callback, a junk state", junk_callback).expecting(400),
    Vector::new("GET /callback/{provider}, the state of another one", other_callback),
    Vector::new("POST /backchannel-logout/{provider}, a junk token", |_, number| {
        let (name, token) = (junk(number, 64), junk(number, LARGEST_BODY - 200));
        Shot::form(format!("/backchannel-logout/{name}"), &[("logout_token", &token)])
    })
    .expecting(404),
];

/// The form of a page that is there, and a few of those are sent more than once.
fn decide(kit: &Kit, number: u64, more: &[(&str, &str)]) -> Shot {
    let page = if number.is_multiple_of(3) { kit.pages.look(number) } else { kit.pages.take() };
    let absent = || Page { inputs: Vec::new(), cookies: String::new() };
    let page = page.unwrap_or_else(absent);
    let inputs = page.inputs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let pairs: Vec<_> = inputs.chain(more.iter().copied()).collect();
    Shot::form("/authorize/consent", &pairs).header("Cookie", page.cookies)
}

fn to_github(kit: &Kit, number: u64) -> Shot {
    decide(kit, number, &[("decision", "github")])
}

fn wrong_code(kit: &Kit, number: u64) -> Shot {
    let code = junk(number, 16).to_uppercase();
    decide(kit, number, &[("decision", "local"), ("login_code", &code)])
}

fn junk_form(_: &Kit, number: u64) -> Shot {
    let (flow, csrf) = (junk(number, LARGEST_BODY - 200), junk(number, 43));
    let pairs = [("flow", flow.as_str()), ("csrf", csrf.as_str()), ("decision", "github")];
    let cookie = format!("__Host-mcpgw-browser-flood={}", junk(number, 43));
    Shot::form("/authorize/consent", &pairs).header("Cookie", cookie)
}

/// The page leads to the provider with a `state`.
fn keep_login(kit: &Kit, _: &Shot, answer: &Answer) {
    let url = answer.refresh.as_deref().and_then(|refresh| refresh.split_once("url="));
    let Some(url) = url.and_then(|(_, url)| url::Url::parse(url).ok()) else { return };
    if let Some((_, state)) = url.query_pairs().find(|(name, _)| name == "state") {
        kit.logins.put(Login { state: state.into_owned(), cookies: answer.cookies.clone() });
    }
}

fn real_callback(kit: &Kit, number: u64) -> Shot {
    let Some(login) = kit.logins.take() else { return junk_callback(kit, number) };
    let query = encoded(&[("state", &login.state), ("code", &junk(number, 4096))]);
    Shot::get(format!("/callback?{query}")).header("Cookie", login.cookies)
}

fn other_callback(kit: &Kit, number: u64) -> Shot {
    let Some(login) = kit.logins.take() else { return junk_callback(kit, number) };
    let query = encoded(&[("state", &login.state), ("code", &junk(number, 4096))]);
    Shot::get(format!("/callback/{}?{query}", junk(number, 64))).header("Cookie", login.cookies)
}

fn junk_callback(_: &Kit, number: u64) -> Shot {
    let query = encoded(&[("state", &junk(number, 20_000)), ("code", &junk(number, 20_000))]);
    Shot::get(format!("/callback?{query}"))
}
