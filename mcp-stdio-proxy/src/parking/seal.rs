//! Sealing of `requestState`: "Servers MUST treat `requestState` as an attacker-controlled input". It is
//! encrypted (AES-256-GCM) with a key of this process, for one server, and bound to a user, a request and an
//! expiry (MCP "Multi Round-Trip Requests", "Server Requirements").

use std::time::Duration;

use super::binding::{Binding, DIGEST, whose};
use crate::clock::now_ms;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The maximum length of a state issued here.
const LONGEST: usize = 512;

/// The reason why a state is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The state was not issued by this process, or was altered.
    #[error(
        "this requestState was altered, or is from before a restart; send the request again without it"
    )]
    Altered,
    /// The state has expired.
    #[error("this requestState has expired; send the request again without it")]
    Expired,
    /// The state was issued to another user.
    #[error("this requestState was made for another user")]
    Foreign,
    /// The state was issued for another request.
    #[error("this requestState was made for another request: method and params must be the same")]
    Other,
}

/// The contents of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) number: u64,
    /// The expiry, an instant of `now_ms`, since a state does not outlive the process.
    expires: u64,
    binding: Binding,
}

impl Ticket {
    /// Creates a ticket that expires after `patience`.
    pub(super) fn new(number: u64, patience: Duration, binding: Binding) -> Self {
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        Self { number, expires: now_ms().saturating_add(patience), binding }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + 2 * DIGEST + NONCE_LEN + 16);
        bytes.extend(self.number.to_be_bytes());
        bytes.extend(self.expires.to_be_bytes());
        bytes.extend(self.binding.principal);
        bytes.extend(self.binding.request);
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk::<8>()?;
        let (expires, rest) = rest.split_first_chunk::<8>()?;
        let (principal, rest) = rest.split_first_chunk::<DIGEST>()?;
        let (request, rest) = rest.split_first_chunk::<DIGEST>()?;
        rest.is_empty().then(|| Self {
            number: u64::from_be_bytes(*number),
            expires: u64::from_be_bytes(*expires),
            binding: Binding { principal: *principal, request: *request },
        })
    }

    /// Returns an error unless the ticket is unexpired and matches `binding`.
    pub(super) fn check(&self, binding: &Binding) -> Result<(), Broken> {
        if self.binding.principal != binding.principal {
            return Err(Broken::Foreign);
        }
        if self.binding.request != binding.request {
            return Err(Broken::Other);
        }
        if self.expires < now_ms() { Err(Broken::Expired) } else { Ok(()) }
    }
}

/// The sealing key of one server.
pub(super) struct Seal {
    key: RandomizedNonceKey,
    server: String,
}

impl Seal {
    /// Creates a seal with a random key. Returns `None` if random numbers are unavailable.
    pub(super) fn new(server: &str) -> Option<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).ok()?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key).ok()?;
        Some(Self { key, server: format!("mcp-stdio-proxy requestState {server}") })
    }

    /// Encrypts `ticket` as a state.
    pub(super) fn close(&self, ticket: &Ticket) -> Option<String> {
        self.encrypt(self.server.as_bytes(), ticket.bytes())
    }

    /// Decrypts `state` to its ticket.
    pub(super) fn open(&self, state: &str) -> Result<Ticket, Broken> {
        let short = Some(state).filter(|state| state.len() <= LONGEST);
        let bytes = short.and_then(|state| self.decrypt(self.server.as_bytes(), state));
        bytes.and_then(|bytes| Ticket::read(&bytes)).ok_or(Broken::Altered)
    }

    /// Encrypts `state`, which a server issued to `principal`, so that no other user can present it.
    pub(super) fn close_for(&self, principal: Option<&str>, state: &str) -> Option<String> {
        self.encrypt(&self.purpose(principal), state.as_bytes().to_vec())
    }

    /// Decrypts `state` to the state of a server, if it was issued to `principal`.
    pub(super) fn open_for(&self, principal: Option<&str>, state: &str) -> Result<String, Broken> {
        let bytes = self.decrypt(&self.purpose(principal), state);
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(Broken::Altered)
    }

    /// Returns the associated data for `principal`, which differs from that of tickets and between users.
    fn purpose(&self, principal: Option<&str>) -> Vec<u8> {
        [self.server.as_bytes(), b" of ", &whose(principal)].concat()
    }

    fn encrypt(&self, purpose: &[u8], mut bytes: Vec<u8>) -> Option<String> {
        let nonce = self.key.seal_in_place_append_tag(Aad::from(purpose), &mut bytes).ok()?;
        let sealed = [nonce.as_ref().as_slice(), &bytes].concat();
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    fn decrypt(&self, purpose: &[u8], text: &str) -> Option<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut bytes = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.key.open_in_place(nonce, Aad::from(purpose), &mut bytes).ok()?;
        Some(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: &str = r#"{"name":"a","arguments":{"x":1,"y":[2]},"_meta":{"progressToken":1}}"#;

    fn ticket(seconds: u64) -> Ticket {
        let binding = Binding::new(Some("u"), "tools/call", PARAMS);
        Ticket::new(7, Duration::from_secs(seconds), binding)
    }

    #[test]
    fn a_state_opens_where_it_was_sealed_and_nowhere_else() {
        let [seal, again] = ["a", "a"].map(|name| Seal::new(name).unwrap());
        let ticket = ticket(60);
        let state = seal.close(&ticket).unwrap();
        assert_eq!(seal.open(&state), Ok(ticket));
        assert_ne!(seal.close(&ticket).unwrap(), state, "no nonce is used twice");
        assert_eq!(again.open(&state), Err(Broken::Altered));
        for at in 0..state.len() {
            let mut bytes = state.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(bytes).unwrap();
            assert_eq!(seal.open(&altered), Err(Broken::Altered), "{at}");
        }
        for none in ["", "AAAA", "====", &state[1..], &"A".repeat(600)] {
            assert_eq!(seal.open(none), Err(Broken::Altered), "{none}");
        }
    }

    #[test]
    fn the_state_of_a_server_is_for_the_user_it_was_given_to() {
        let seal = Seal::new("a").unwrap();
        let state = seal.close_for(Some("u"), "\"1\"").unwrap();
        assert_eq!(seal.open_for(Some("u"), &state).as_deref(), Ok("\"1\""));
        for other in [Some("v"), Some("-"), None] {
            assert_eq!(seal.open_for(other, &state), Err(Broken::Altered), "{other:?}");
        }
        assert_eq!(seal.open_for(Some("u"), "1"), Err(Broken::Altered));
        assert_eq!(seal.open(&state), Err(Broken::Altered));
        let ticket = seal.close(&ticket(60)).unwrap();
        assert_eq!(seal.open_for(Some("u"), &ticket), Err(Broken::Altered));
    }

    #[test]
    fn a_ticket_is_for_one_user_one_request_and_a_time() {
        let check = |principal, method, params, ticket: Ticket| {
            ticket.check(&Binding::new(principal, method, params))
        };
        let user = Some("u");
        let again =
            r#"{"inputResponses":{},"requestState":"s","arguments":{"y":[2],"x":1},"name":"a"}"#;
        assert_eq!(check(user, "tools/call", again, ticket(60)), Ok(()));
        assert_eq!(check(Some("v"), "tools/call", again, ticket(60)), Err(Broken::Foreign));
        assert_eq!(check(None, "tools/call", again, ticket(60)), Err(Broken::Foreign));
        assert_eq!(check(user, "prompts/get", again, ticket(60)), Err(Broken::Other));
        let other = r#"{"name":"a","arguments":{"x":1,"y":[3]}}"#;
        assert_eq!(check(user, "tools/call", other, ticket(60)), Err(Broken::Other));
        let old = ticket(0);
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(check(user, "tools/call", again, old), Err(Broken::Expired));
    }
}
