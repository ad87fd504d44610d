//! Property tests of the parser for HTTP Basic credentials.

use base64::{Engine, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use url::form_urlencoded;

use super::client_form::basic;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Checks that id and secret survive the form encoding of RFC 6749 §2.3.1.
    #[test]
    fn basic_credentials_are_read_as_they_were_written(
        id in "\\PC{0,24}", secret in "\\PC{0,24}", scheme in "[bB][aA][sS][iI][cC]"
    ) {
        let encode = |text: &str| -> String {
            form_urlencoded::byte_serialize(text.as_bytes()).collect()
        };
        let pair = BASE64_STANDARD.encode(format!("{}:{}", encode(&id), encode(&secret)));
        let read = basic(&format!("{scheme} {pair}")).unwrap();
        prop_assert_eq!((read.id.as_str(), read.secret.reveal()), (&*id, &*secret));
    }

    /// Checks that only Basic headers with base64 of text with a colon are accepted.
    #[test]
    fn other_headers_are_no_credentials(
        header in prop_oneof![
            "\\PC{0,32}",
            "(Basic|Bearer|basic) ?[A-Za-z0-9+/=_-]{0,40}",
            proptest::collection::vec(any::<u8>(), 0..24)
                .prop_map(|bytes| format!("Basic {}", BASE64_STANDARD.encode(bytes))),
        ]
    ) {
        let read = basic(&header).is_some();
        let whole = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
        let decoded = whole.and_then(|(_, text)| BASE64_STANDARD.decode(text.trim()).ok());
        let pair = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        prop_assert_eq!(read, pair.is_some_and(|pair| pair.contains(':')));
    }
}
