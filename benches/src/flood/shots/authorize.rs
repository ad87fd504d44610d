//! `GET /authorize`, and what a browser makes of it unasked.

use reqwest::Method;

use super::{Vector, junk};
use crate::flood::kit::{Kit, Page, hidden_inputs};
use crate::flood::shot::{Answer, Host, Shot, encoded};

/// The requests.
pub const VECTORS: &[Vector] = &[
    Vector::new("GET /authorize", page).expecting(200).learning(keep_page),
    Vector::new("HEAD /authorize", head),
    Vector::new("GET /authorize, as an image of another site", image),
    Vector::new("GET /authorize, prefetched", prefetched),
    Vector::new("GET /authorize, prompt=none", silent),
    Vector::new("GET /authorize, an unknown client", unknown).expecting(400),
    Vector::new("GET /authorize, a document on a host of its own", document),
    Vector::new("GET /authorize, one of many documents of a host", sibling),
    Vector::new("GET /authorize, on the host of a server", elsewhere),
    Vector::new("GET /device, without a code", |_, _| Shot::get("/device")).expecting(200),
];

/// The query of an authorization request for the server of the person; `state` is encoded already.
#[must_use]
pub fn request(kit: &Kit, client: &str, state: &str) -> String {
    let pairs = [
        ("response_type", "code"),
        ("client_id", client),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
        ("resource", kit.server()),
    ];
    format!("{}&state={state}", encoded(&pairs))
}

fn page(kit: &Kit, number: u64) -> Shot {
    let client = kit.clients.look(number).map_or_else(|| junk(number, 22), |client| client.id);
    Shot::get(format!("/authorize?{}", request(kit, &client, &kit.largest.state)))
}

fn head(kit: &Kit, number: u64) -> Shot {
    page(kit, number).by(Method::HEAD)
}

fn image(kit: &Kit, number: u64) -> Shot {
    let fetch = page(kit, number).header("Sec-Fetch-Dest", "image");
    fetch.header("Sec-Fetch-Mode", "no-cors").header("Sec-Fetch-Site", "cross-site")
}

fn prefetched(kit: &Kit, number: u64) -> Shot {
    let fetch = page(kit, number).header("Sec-Purpose", "prefetch;prerender");
    fetch.header("Sec-Fetch-Dest", "document").header("Sec-Fetch-Site", "cross-site")
}

fn silent(kit: &Kit, number: u64) -> Shot {
    let client = kit.clients.look(number).map_or_else(|| junk(number, 22), |client| client.id);
    let query = request(kit, &client, &kit.largest.state);
    Shot::get(format!("/authorize?{query}&prompt=none"))
}

fn unknown(kit: &Kit, number: u64) -> Shot {
    Shot::get(format!("/authorize?{}", request(kit, &junk(number, 1024), &kit.largest.state)))
}

/// A name below `.invalid` never resolves (RFC 6761); each costs a look-up of its own.
fn document(kit: &Kit, number: u64) -> Shot {
    let id = format!("https://flood-{number}.invalid/client.json");
    Shot::get(format!("/authorize?{}", request(kit, &id, &kit.largest.state)))
}

fn sibling(kit: &Kit, number: u64) -> Shot {
    let id = format!("https://flood.invalid/{}.json", junk(number, 400));
    Shot::get(format!("/authorize?{}", request(kit, &id, &kit.largest.state)))
}

fn elsewhere(kit: &Kit, number: u64) -> Shot {
    page(kit, number).at(Host::Server)
}

/// Keeps the page of an answer.
pub fn keep_page(kit: &Kit, _: &Shot, answer: &Answer) {
    let inputs = hidden_inputs(&answer.body);
    if answer.status == 200 && !inputs.is_empty() {
        kit.pages.put(Page { inputs, cookies: answer.cookies.clone() });
    }
}
