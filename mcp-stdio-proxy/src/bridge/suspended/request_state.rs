//! The `requestState` that clients present, sealed: "Servers MUST treat `requestState` as an attacker-controlled input".
//! It is encrypted (AES-256-GCM) with a random key of each server, which a restart of the proxy loses. A state issued
//! here is bound to a user, a request and an expiry; the state of a shared server only to its user (MCP "Multi
//! Round-Trip Requests", "Server Requirements").

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
pub(in crate::bridge) enum InvalidState {
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

/// The state of a suspended call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestState {
    /// The number of the call.
    pub(super) number: u64,
    /// The expiry, an instant of `now_ms`, since a state does not outlive the process.
    expires: u64,
    binding: Binding,
}

impl RequestState {
    /// Creates the state of the call `number`, which expires after `timeout`.
    pub(super) fn new(number: u64, timeout: Duration, binding: Binding) -> Self {
        let timeout = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        Self { number, expires: now_ms().saturating_add(timeout), binding }
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

    /// Returns an error unless the state is unexpired and matches `binding`.
    pub(super) fn check(&self, binding: &Binding) -> Result<(), InvalidState> {
        if self.binding.principal != binding.principal {
            return Err(InvalidState::Foreign);
        }
        if self.binding.request != binding.request {
            return Err(InvalidState::Other);
        }
        if self.expires < now_ms() { Err(InvalidState::Expired) } else { Ok(()) }
    }
}

/// The seal of the request states of one server.
pub(in crate::bridge) struct RequestStates {
    /// The key; `None` if random numbers are unavailable.
    key: Option<RandomizedNonceKey>,
    server: String,
}

impl RequestStates {
    /// Creates a seal with a random key.
    pub(super) fn new(server: &str) -> Self {
        let mut key = [0; 32];
        let key = getrandom::fill(&mut key)
            .ok()
            .and_then(|()| RandomizedNonceKey::new(&AES_256_GCM, &key).ok());
        Self { key, server: format!("mcp-stdio-proxy requestState {server}") }
    }

    /// Encrypts `state`.
    pub(super) fn seal(&self, state: &RequestState) -> Option<String> {
        self.encrypt(self.server.as_bytes(), state.bytes())
    }

    /// Decrypts `sealed`.
    pub(super) fn open(&self, sealed: &str) -> Result<RequestState, InvalidState> {
        let short = Some(sealed).filter(|sealed| sealed.len() <= LONGEST);
        let bytes = short.and_then(|sealed| self.decrypt(self.server.as_bytes(), sealed));
        bytes.and_then(|bytes| RequestState::read(&bytes)).ok_or(InvalidState::Altered)
    }

    /// Encrypts `state`, which a server issued to `principal`, so that no other user can present it.
    pub(in crate::bridge) fn seal_for(
        &self,
        principal: Option<&str>,
        state: &str,
    ) -> Option<String> {
        self.encrypt(&self.purpose(principal), state.as_bytes().to_vec())
    }

    /// Decrypts `sealed` to the state of a server, if it was issued to `principal`.
    pub(in crate::bridge) fn open_for(
        &self,
        principal: Option<&str>,
        sealed: &str,
    ) -> Result<String, InvalidState> {
        let bytes = self.decrypt(&self.purpose(principal), sealed);
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(InvalidState::Altered)
    }

    /// Returns the associated data for `principal`, which differs from that of other states and between users.
    fn purpose(&self, principal: Option<&str>) -> Vec<u8> {
        [self.server.as_bytes(), b" of ", &whose(principal)].concat()
    }

    fn encrypt(&self, purpose: &[u8], mut bytes: Vec<u8>) -> Option<String> {
        let key = self.key.as_ref()?;
        let nonce = key.seal_in_place_append_tag(Aad::from(purpose), &mut bytes).ok()?;
        let sealed = [nonce.as_ref().as_slice(), &bytes].concat();
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    fn decrypt(&self, purpose: &[u8], text: &str) -> Option<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut bytes = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened =
            self.key.as_ref()?.open_in_place(nonce, Aad::from(purpose), &mut bytes).ok()?;
        Some(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: &str = r#"{"name":"a","arguments":{"x":1,"y":[2]},"_meta":{"progressToken":1}}"#;

    fn of_call(seconds: u64) -> RequestState {
        let binding = Binding::new(Some("u"), "tools/call", PARAMS);
        RequestState::new(7, Duration::from_secs(seconds), binding)
    }

    #[test]
    fn a_state_opens_where_it_was_sealed_and_nowhere_else() {
        let [states, again] = ["a", "a"].map(RequestStates::new);
        let call = of_call(60);
        let state = states.seal(&call).unwrap();
        assert_eq!(states.open(&state), Ok(call));
        assert_ne!(states.seal(&call).unwrap(), state, "no nonce is used twice");
        assert_eq!(again.open(&state), Err(InvalidState::Altered));
        for at in 0..state.len() {
            let mut bytes = state.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(bytes).unwrap();
            assert_eq!(states.open(&altered), Err(InvalidState::Altered), "{at}");
        }
        for none in ["", "AAAA", "====", &state[1..], &"A".repeat(600)] {
            assert_eq!(states.open(none), Err(InvalidState::Altered), "{none}");
        }
    }

    #[test]
    fn the_state_of_a_server_is_for_the_user_it_was_given_to() {
        let states = RequestStates::new("a");
        let state = states.seal_for(Some("u"), "\"1\"").unwrap();
        assert_eq!(states.open_for(Some("u"), &state).as_deref(), Ok("\"1\""));
        for other in [Some("v"), Some("-"), None] {
            assert_eq!(states.open_for(other, &state), Err(InvalidState::Altered), "{other:?}");
        }
        assert_eq!(states.open_for(Some("u"), "1"), Err(InvalidState::Altered));
        assert_eq!(states.open(&state), Err(InvalidState::Altered));
        let sealed = states.seal(&of_call(60)).unwrap();
        assert_eq!(states.open_for(Some("u"), &sealed), Err(InvalidState::Altered));
    }

    #[test]
    fn the_state_of_a_call_is_for_one_user_one_request_and_a_time() {
        let check = |principal, method, params, call: RequestState| {
            call.check(&Binding::new(principal, method, params))
        };
        let user = Some("u");
        let again =
            r#"{"inputResponses":{},"requestState":"s","arguments":{"y":[2],"x":1},"name":"a"}"#;
        assert_eq!(check(user, "tools/call", again, of_call(60)), Ok(()));
        assert_eq!(check(Some("v"), "tools/call", again, of_call(60)), Err(InvalidState::Foreign));
        assert_eq!(check(None, "tools/call", again, of_call(60)), Err(InvalidState::Foreign));
        assert_eq!(check(user, "prompts/get", again, of_call(60)), Err(InvalidState::Other));
        let other = r#"{"name":"a","arguments":{"x":1,"y":[3]}}"#;
        assert_eq!(check(user, "tools/call", other, of_call(60)), Err(InvalidState::Other));
        let old = of_call(0);
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(check(user, "tools/call", again, old), Err(InvalidState::Expired));
    }
}
