//! Property tests of token verification.

use std::sync::OnceLock;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use proptest::{
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json};

use super::{SigningKeys, generate_key};

const TYPE: &str = "at+jwt";

/// Returns keys, a token that they signed, and its claims. They are created once, because key
/// generation is slow.
fn signed() -> &'static (SigningKeys, String, Value) {
    static SIGNED: OnceLock<(SigningKeys, String, Value)> = OnceLock::new();
    SIGNED.get_or_init(|| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), generate_key().unwrap()).unwrap();
        let keys = SigningKeys::load(file.path()).unwrap();
        let claims = json!({ "iss": "https://auth.example", "sub": "local:alice", "exp": 1 });
        let token = keys.sign(TYPE, &claims).unwrap();
        (keys, token, claims)
    })
}

/// Generates mutations of the token.
fn mutated() -> impl Strategy<Value = String> {
    let (_, token, _) = signed();
    let letter = || select(b"ABCDwxyz0189-_.=+/ \n".to_vec()).prop_map(char::from);
    let edits = proptest::collection::vec((any::<Index>(), 0..3_u8, letter()), 1..4);
    let edited = edits.prop_map(|edits| {
        let mut text: Vec<char> = token.chars().collect();
        for (at, kind, letter) in edits {
            let at = at.index(text.len());
            match kind {
                0 => text[at] = letter,
                1 => text.insert(at, letter),
                _ => drop(text.remove(at)),
            }
        }
        text.into_iter().collect()
    });
    let bit = (any::<Index>(), 0..3_usize, 0..8_u8).prop_map(|(at, part, bit)| {
        let parts = token.split('.').enumerate().map(|(index, text)| {
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
            if index == part {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            BASE64_URL_SAFE_NO_PAD.encode(bytes)
        });
        parts.collect::<Vec<_>>().join(".")
    });
    let cut = any::<Index>().prop_map(|at| token[..at.index(token.len())].to_owned());
    prop_oneof![3 => edited, 3 => bit, 1 => cut]
}

/// Generates tokens that an attacker without the key could forge.
fn forged() -> impl Strategy<Value = String> {
    let (keys, token, _) = signed();
    let kid = keys.jwks().keys[0].common.key_id.clone().unwrap();
    let algorithm = select(vec![
        "none", "None", "HS256", "HS512", "ES256", "ES384", "RS256", "PS256", "EdDSA", "",
    ]);
    let header = (algorithm, proptest::option::of(Just(kid)), select(vec![TYPE, "JWT", "AT+JWT"]));
    let own = token.rsplit_once('.').unwrap().1;
    let signature = prop_oneof![
        Just(String::new()),
        Just(own.to_owned()),
        Just(BASE64_URL_SAFE_NO_PAD.encode([0; 64])),
        proptest::collection::vec(any::<u8>(), 0..80)
            .prop_map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes)),
    ];
    (header, "[a-z]{1,8}", signature).prop_map(|((alg, kid, typ), sub, signature)| {
        let encode = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = encode(json!({ "alg": alg, "kid": kid, "typ": typ }));
        format!("{header}.{}.{signature}", encode(json!({ "sub": sub, "exp": 4_102_444_800_i64 })))
    })
}

fn verified(keys: &SigningKeys, typ: &str, token: &str) -> Option<Value> {
    keys.verify(typ, token).map(|claims| serde_json::from_slice(&claims).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Checks that only the unchanged token is valid (RFC 7515 §5.2, RFC 8725 §3.1).
    #[test]
    fn a_token_that_was_changed_is_none(text in mutated()) {
        let (keys, token, claims) = signed();
        let read = verified(keys, TYPE, &text);
        prop_assert_eq!(read.as_ref(), (text == *token).then_some(claims));
    }

    /// Rejects `none`, other algorithms, other keys and malformed text (RFC 8725 §2.1, §3.11).
    #[test]
    fn a_token_that_we_did_not_sign_is_none(
        text in prop_oneof![3 => forged(), 1 => "\\PC{0,64}", 1 => "([A-Za-z0-9_-]{0,24}\\.){0,4}"]
    ) {
        let (keys, ..) = signed();
        prop_assert!(keys.verify(TYPE, &text).is_none());
    }

    /// Checks that a token returns its claims, but only for its own `typ` (RFC 8725 §3.12).
    #[test]
    fn a_token_is_read_back_as_its_kind_only(subject in "\\PC{0,24}", number in any::<i64>()) {
        let (keys, ..) = signed();
        let claims = json!({ "sub": subject, "n": number });
        let token = keys.sign(TYPE, &claims).unwrap();
        prop_assert_eq!(verified(keys, TYPE, &token), Some(claims));
        prop_assert!(keys.verify("JWT", &token).is_none());
    }
}
