//! What signs identities in these tests, and the real HTTP server that publishes its keys and tells of
//! ended grants.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, get_current_timestamp};
use serde_json::{Value, json};

use crate::feed::Feed;

/// Answers each request for keys with the same text; without one, with 500.
pub(crate) struct KeyServer {
    pub(crate) url: String,
    /// What it says at `/ended-grants`.
    pub(crate) feed: Arc<Feed>,
    answer: Arc<Mutex<Option<String>>>,
    asked: Arc<AtomicUsize>,
}

impl KeyServer {
    pub(crate) fn start(answer: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let (answer, asked) = (Arc::new(Mutex::new(answer)), Arc::new(AtomicUsize::new(0)));
        let (answering, counting) = (Arc::clone(&answer), Arc::clone(&asked));
        let feed = Arc::new(Feed::default());
        let telling = Arc::clone(&feed);
        // Ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let head = BufReader::new(&stream).lines().map_while(Result::ok);
                let head: Vec<_> = head.take_while(|line| !line.is_empty()).collect();
                let path = head[0].split(' ').nth(1).unwrap();
                let body = match path.strip_prefix("/ended-grants") {
                    Some(query) => telling.answer(query),
                    None => answering.lock().unwrap().clone(),
                };
                let (status, body) = match body {
                    Some(body) => ("200 OK", body),
                    None => ("500 Oops", String::new()),
                };
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n");
                // The proxy may not want to read all of it.
                let _sent = write!(&stream, "{head}Connection: close\r\n\r\n{body}");
                counting.fetch_add(usize::from(path == "/jwks"), Ordering::SeqCst);
            }
        });
        Self { url, feed, answer, asked }
    }

    pub(crate) fn publish(&self, answer: Option<String>) {
        *self.answer.lock().unwrap() = answer;
    }

    /// How often it was asked for keys.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A key pair.
pub(crate) struct Signer {
    pub(crate) kid: &'static str,
    key: EncodingKey,
    algorithm: Algorithm,
}

impl Signer {
    pub(crate) fn es256(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let text = pem::encode(&pem::Pem::new("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref()));
        let key = EncodingKey::from_ec_pem(text.as_bytes()).unwrap();
        Self { kid, key, algorithm: Algorithm::ES256 }
    }

    pub(crate) fn rs256(kid: &'static str) -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let text = pem::encode(&pem::Pem::new("PRIVATE KEY", pair.as_der().unwrap().as_ref()));
        let key = EncodingKey::from_rsa_pem(text.as_bytes()).unwrap();
        Self { kid, key, algorithm: Algorithm::RS256 }
    }

    fn jwk(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    /// The header of what it signs.
    pub(crate) fn header(&self) -> Value {
        json!({"alg": format!("{:?}", self.algorithm), "typ": "mcp-identity+jwt", "kid": self.kid})
    }

    /// Signs whatever is asked for.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// A good identity, with `changes` to its claims.
    pub(crate) fn identity(&self, changes: &Value) -> String {
        self.sign(&self.header(), &changed(claims(), changes))
    }
}

/// Header and claims as they are signed.
pub(crate) fn message(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// The claims of a good identity.
pub(crate) fn claims() -> Value {
    let now = get_current_timestamp();
    json!({
        "iss": "https://auth.example", "aud": "https://server.example/mcp", "sub": "github:7",
        "preferred_username": "alice", "client_id": "c", "scope": "mcp", "mcp_server": "server",
        "iat": now, "exp": now + 60,
    })
}

/// `object` with the members of `changes`; null takes one away.
pub(crate) fn changed(mut object: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        } else {
            object[name] = value.clone();
        }
    }
    object
}

/// The set of the public keys.
pub(crate) fn jwks(signers: &[&Signer]) -> String {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    json!({"keys": keys}).to_string()
}
