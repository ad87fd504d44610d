//! What the flood has learnt so far: pages, registrations and codes that later requests use. A flooder
//! knows all of them, since it was given each.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::probe::Largest;
use super::shot::Host;

/// The most of each that are kept; the oldest make room.
const KEPT: usize = 200;

/// A few of something.
#[derive(Debug)]
pub struct Pool<T>(Mutex<VecDeque<T>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Pool<T> {
    /// Adds one.
    pub fn put(&self, one: T) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_back(one);
        if all.len() > KEPT {
            all.pop_front();
        }
    }

    /// Takes the newest.
    pub fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_back()
    }

    /// A copy of one of the newest half, by turns.
    pub fn look(&self, number: u64) -> Option<T> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let half = u64::try_from(all.len().div_ceil(2)).ok().filter(|half| *half > 0)?;
        let from_end = usize::try_from(number % half).ok()?;
        all.get(all.len() - 1 - from_end).cloned()
    }
}

/// A registration of the flood's own.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The client id.
    pub id: String,
    /// The token that manages it.
    pub token: String,
    /// The secret, if it has one.
    pub secret: Option<String>,
    /// Its metadata as they were sent.
    pub metadata: Value,
}

/// A consent page: its hidden inputs, and the cookies it belongs to.
#[derive(Clone, Debug)]
pub struct Page {
    /// Names and values of the hidden inputs of its first form.
    pub inputs: Vec<(String, String)>,
    /// The header `Cookie`.
    pub cookies: String,
}

/// A login that is under way at the provider.
#[derive(Clone, Debug)]
pub struct Login {
    /// The `state` towards the provider.
    pub state: String,
    /// The header `Cookie`.
    pub cookies: String,
}

/// A device with codes.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its client.
    pub client: String,
    /// The code it asks with.
    pub code: String,
    /// The code it shows.
    pub shown: String,
}

/// All of it.
pub struct Kit {
    issuer: String,
    server: String,
    nobody: String,
    key: EcdsaKeyPair,
    /// The largest inputs that are accepted.
    pub largest: Largest,
    /// Registrations of public clients.
    pub clients: Pool<Registration>,
    /// Registrations with a secret.
    pub confidential: Pool<Registration>,
    /// Registrations with a key.
    pub signing: Pool<Registration>,
    /// Registrations that are to be deleted.
    pub doomed: Pool<Registration>,
    /// Consent pages.
    pub pages: Pool<Page>,
    /// Logins at the provider.
    pub logins: Pool<Login>,
    /// Devices.
    pub devices: Pool<Device>,
    /// Ids of the gateway's signing keys, which it publishes.
    pub key_ids: Pool<String>,
}

impl Kit {
    /// An empty one, for the gateway with this issuer and the MCP server at this URL.
    pub fn new(issuer: &str, server: &str) -> anyhow::Result<Self> {
        let random = SystemRandom::new();
        let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref())?;
        let issuer = issuer.to_owned();
        let authority = issuer.trim_start_matches("https://");
        let nobody = authority.replacen("auth.", "nobody.", 1);
        Ok(Self {
            nobody,
            issuer,
            server: server.to_owned(),
            key,
            largest: Largest::default(),
            clients: Pool::default(),
            confidential: Pool::default(),
            signing: Pool::default(),
            doomed: Pool::default(),
            pages: Pool::default(),
            logins: Pool::default(),
            devices: Pool::default(),
            key_ids: Pool::default(),
        })
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The URL of the MCP server, which is its resource identifier.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// `host:port` of a host.
    #[must_use]
    pub fn authority(&self, host: Host) -> &str {
        match host {
            Host::Issuer => self.issuer.trim_start_matches("https://"),
            Host::Server => {
                let rest = self.server.trim_start_matches("https://");
                rest.split('/').next().unwrap_or(rest)
            }
            Host::Nobody => &self.nobody,
        }
    }

    /// The flood's public key (RFC 7517).
    #[must_use]
    pub fn jwk(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let coordinate = |range| point.get(range).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        json!({ "kty": "EC", "crv": "P-256", "x": coordinate(1..33), "y": coordinate(33..65) })
    }

    /// A JWT of `header` and `claims` with the flood's signature.
    #[must_use]
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), text.as_bytes());
        let signature = signature.map_or_else(|_| Vec::new(), |bytes| bytes.as_ref().to_vec());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The hidden inputs of the first form in `html`.
#[must_use]
pub fn hidden_inputs(html: &str) -> Vec<(String, String)> {
    let form = html.split("<form").nth(1).and_then(|rest| rest.split("</form>").next());
    let tags = form.unwrap_or("").split("<input").skip(1);
    let tags = tags.filter_map(|rest| rest.split('>').next());
    let hidden = tags.filter(|tag| tag.contains("type=\"hidden\""));
    let pairs = hidden.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)));
    pairs.collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let value = rest.split('"').next()?;
    let entities =
        [("&#34;", "\""), ("&quot;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&lt;", "<")];
    let more = [("&#62;", ">"), ("&gt;", ">"), ("&#38;", "&"), ("&amp;", "&")];
    let unescape = |text: String, (from, to): (&str, &str)| text.replace(from, to);
    Some(entities.into_iter().chain(more).fold(value.to_owned(), unescape))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hidden_inputs_of_the_first_form_are_read() {
        let html = "<form method=\"post\"><input type=\"hidden\" name=\"flow\" value=\"a&#38;b\">\n\
                    <input name=\"shown\"><input type=\"hidden\" name=\"csrf\" value=\"c\"></form>\
                    <form><input type=\"hidden\" name=\"other\" value=\"d\"></form>";
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(hidden_inputs(html), [pair("flow", "a&b"), pair("csrf", "c")]);
        assert!(hidden_inputs("<p>no form</p>").is_empty());
    }

    #[test]
    fn a_pool_keeps_the_newest() {
        let pool = Pool::default();
        assert_eq!(pool.look(0), None);
        for one in 0..KEPT + 5 {
            pool.put(one);
        }
        assert_eq!(pool.take(), Some(KEPT + 4));
        assert_eq!(pool.look(1), Some(KEPT + 2));
    }
}
