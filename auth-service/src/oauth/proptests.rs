//! Property tests of parsers and builders. `PROPTEST_CASES` sets the number of cases.

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json};
use url::{Host, Url, form_urlencoded};

use super::{
    Params,
    client::id_document,
    client::metadata,
    client::redirect_uri,
    verify::challenge::{Challenge, ChallengeError},
};
use crate::model::{
    AuthMethod, ClientId, Enforcer, McpServer, RedirectUri, ResourceUri, Scopes, ServerName,
    ServerScopes,
};

/// The configuration: no regression files, because failures become regular tests.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

fn app_schemes() -> Vec<String> {
    vec!["cursor".to_owned(), "vscode".to_owned()]
}

/// Generates texts that resemble URIs more or less closely.
fn uri() -> impl Strategy<Value = String> {
    let scheme = select(vec![
        "http",
        "https",
        "HTTP",
        "https",
        "http",
        "cursor",
        "vscode",
        "com.example.app",
        "javascript",
        "data",
        "file",
        "ws",
        "java\nscript",
        "about",
        "a.",
        "x-y.z+1",
        "",
    ]);
    let separator = select(vec!["://", "://", "://", ":", ":/", ":///", ":\\\\", "//", ":/\\"]);
    let authority = prop_oneof![
        3 => select(vec![
            "localhost", "127.0.0.1", "[::1]", "app.example", "localhost.", "127.1", "2130706433",
            "0x7f.0.0.1", "[::ffff:127.0.0.1]", "localhost.evil.example", "127.0.0.1.evil.example",
            "user@app.example", "localhost@evil.example", ":@localhost", "localhost:8080",
            "127.0.0.1:65535", "app.example:443", "0.0.0.0", "LOCALHOST", "loc%61lhost", "",
        ])
        .prop_map(str::to_owned),
        1 => "[a-z0-9.:@%\\[\\]-]{0,16}",
    ];
    let rest = prop_oneof![
        select(vec!["", "/", "/cb", "/cb?x=1", "/cb#", "#x", "?", "/a/../b", "/c b", "/%2e%2e/"])
            .prop_map(str::to_owned),
        "(/[!-~]{0,8}){0,3}",
    ];
    prop_oneof![
        // Nearly right in one part, then in any part.
        4 => (select(vec!["http", "https"]), authority.clone(), select(vec!["", "/cb", "/cb?x=1"]))
            .prop_map(|(scheme, authority, rest)| format!("{scheme}://{authority}{rest}")),
        4 => (scheme, separator, authority, rest).prop_map(|(a, b, c, d)| format!("{a}{b}{c}{d}")),
        1 => "[ -~]{0,48}",
        1 => "\\PC{0,32}",
    ]
}

/// Generates a text and a copy with few edits or none.
fn near(text: impl Strategy<Value = String>) -> impl Strategy<Value = (String, String)> {
    let edit = (any::<Index>(), 0..3_u8, select(b"/:.@#?0189ax%[]\\ ".to_vec()));
    (text, proptest::collection::vec(edit, 0..3)).prop_map(|(text, edits)| {
        let mut other: Vec<char> = text.chars().collect();
        for (at, kind, byte) in edits {
            let at = at.index(other.len() + 1);
            if kind == 0 || at == other.len() {
                other.insert(at, char::from(byte));
            } else if kind == 1 {
                other.remove(at);
            } else {
                other[at] = char::from(byte);
            }
        }
        (text, other.into_iter().collect())
    })
}

/// Generates a loopback URI with and without a port, with few edits or none.
fn redirects() -> impl Strategy<Value = (String, String)> {
    let host = select(vec!["localhost", "127.0.0.1", "[::1]", "127.0.0.2", "app.example"]);
    let port = || proptest::option::of(0..70_000_u32);
    let scheme = select(vec!["http", "http", "https"]);
    let ported = (scheme, host, "(/[a-c]{0,2}){0,2}", port(), port()).prop_flat_map(
        |(scheme, host, path, one, other)| {
            let at = |port: Option<u32>| port.map_or(String::new(), |port| format!(":{port}"));
            let text = |port| format!("{scheme}://{host}{}{path}", at(port));
            let (one, other) = (text(one), text(other));
            near(Just(other)).prop_map(move |(_, other)| (one.clone(), other))
        },
    );
    prop_oneof![ported, near(uri())]
}

fn scopes() -> impl Strategy<Value = Scopes> {
    "([!#-\\[\\]-~]{1,12} ){0,4}".prop_map(|text| Scopes::parse(&text).unwrap())
}

fn client_body() -> impl Strategy<Value = (Value, Vec<u8>)> {
    let id = prop_oneof![
        4 => Just("https://a.example/client.json".to_owned()),
        1 => Just("https://a.example/client.json/".to_owned()),
        1 => "\\PC{0,12}",
    ];
    let name = prop_oneof![3 => "\\PC{0,120}", 1 => "[a-z\u{202e}\u{200b}\n]{0,9}"];
    let method = select(vec![
        "none",
        "none",
        "none",
        "private_key_jwt",
        "client_secret_basic",
        "client_secret_post",
        "x",
    ]);
    let uris = proptest::collection::vec(
        prop_oneof![2 => Just("https://a.example/cb".to_owned()), 1 => uri()],
        0..3,
    );
    let more = select(vec![
        json!({}),
        json!({}),
        json!({}),
        json!({"client_secret": "x"}),
        json!({"client_secret": null}),
        json!({"grant_types": ["refresh_token"]}),
        json!({"response_types": ["token"]}),
        json!({"jwks": {"keys": []}}),
        json!({"logo_uri": 7}),
        json!({"contacts": ["a", "b"]}),
    ]);
    let parts = (id, proptest::option::of(name), proptest::option::of(method), uris, more);
    let edit = proptest::option::weighted(0.3, (any::<Index>(), any::<u8>()));
    (parts, edit).prop_map(|((id, name, method, uris, more), edit)| {
        let mut document = json!({ "client_id": id, "redirect_uris": uris });
        let members = document.as_object_mut().unwrap();
        members.extend(name.map(|name| ("client_name".to_owned(), name.into())));
        let method = method.map(|method| ("token_endpoint_auth_method".to_owned(), method.into()));
        members.extend(method);
        members.extend(more.as_object().unwrap().clone());
        let mut body = document.to_string().into_bytes();
        if let Some((at, byte)) = edit {
            let at = at.index(body.len());
            body[at] = byte;
        }
        (document, body)
    })
}

/// Parses the parameters of a challenge by RFC 9110 §11.6.1, independently of the shipped code.
fn challenge_parameters(header: &str) -> Option<BTreeMap<String, String>> {
    let mut rest = header.strip_prefix("Bearer ")?;
    let mut parameters = BTreeMap::new();
    loop {
        let (name, after) = rest.split_once("=\"")?;
        let token = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (value, after) = after.split_once('"')?;
        if name.is_empty() || !name.chars().all(token) || value.contains('\\') {
            return None;
        }
        parameters.insert(name.to_owned(), value.to_owned()).is_none().then_some(())?;
        match after.strip_prefix(", ") {
            Some(more) => rest = more,
            None => return after.is_empty().then_some(parameters),
        }
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.octets()[0] == 127,
        Host::Ipv6(address) => *address == std::net::Ipv6Addr::LOCALHOST,
    }
}

proptest! {
    #![proptest_config(config())]

    /// RFC 6749 §3.1.2, RFC 8252 §7, §8.4: a response goes only to an allowed redirect URI.
    #[test]
    fn what_may_be_registered_is_a_safe_redirect(text in uri()) {
        let uri = RedirectUri::new(text.as_str());
        if redirect_uri::check(&uri, &app_schemes()).is_ok() {
            let url = Url::parse(&text).unwrap();
            prop_assert!(!text.contains('#') && url.fragment().is_none());
            prop_assert!(url.username().is_empty() && url.password().is_none());
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'));
            match url.scheme() {
                "https" => prop_assert!(url.host_str().is_some_and(|host| !host.is_empty())),
                "http" => prop_assert!(is_this_machine(&url.host().unwrap())),
                scheme => prop_assert!(
                    scheme.contains('.') || app_schemes().iter().any(|known| known == scheme)
                ),
            }
            let answer = Url::parse(&uri.with_query(&[("code", "a&b#c")]).unwrap()).unwrap();
            prop_assert_eq!((answer.scheme(), answer.host(), answer.path()),
                (url.scheme(), url.host(), url.path()));
            prop_assert!(answer.query_pairs().any(|pair| pair == ("code".into(), "a&b#c".into())));
        }
    }

    /// RFC 6749 §3.1.2.3, RFC 8252 §7.3: only the port of a loopback URI may vary.
    #[test]
    fn a_redirect_that_matches_differs_at_most_in_a_loopback_port((ours, theirs) in redirects()) {
        let (one, other) = (RedirectUri::new(ours.as_str()), RedirectUri::new(theirs.as_str()));
        let good = redirect_uri::check(&one, &app_schemes()).is_ok();
        let matching = redirect_uri::matches(&one, &other);
        prop_assert!(redirect_uri::matches(&one, &one));
        if good && matching {
            prop_assert!(redirect_uri::check(&other, &app_schemes()).is_ok());
            prop_assert!(redirect_uri::matches(&other, &one));
            let (one, other) = (Url::parse(&ours).unwrap(), Url::parse(&theirs).unwrap());
            prop_assert_eq!(one.scheme(), other.scheme());
            prop_assert_eq!(one.host(), other.host());
            prop_assert_eq!((one.path(), one.query()), (other.path(), other.query()));
            prop_assert!(ours == theirs || (one.scheme() == "http"
                && redirect_uri::stays_local(&RedirectUri::new(ours.as_str()))));
        }
    }

    /// RFC 6749 §3.1, appendix B: parsing returns the parameters as they were sent.
    #[test]
    fn a_form_is_read_as_it_was_written(
        pairs in proptest::collection::vec(("[a-c]{1,2}|\\PC{0,4}", "\\PC{0,12}"), 0..6)
    ) {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let params = Params::parse(form.extend_pairs(&pairs).finish().as_bytes());
        for (name, _) in &pairs {
            let sent = pairs.iter().filter(|(other, value)| other == name && !value.is_empty());
            let sent: Vec<&str> = sent.map(|(_, value)| value.as_str()).collect();
            prop_assert_eq!(params.many(name).collect::<Vec<_>>(), sent.clone());
            match (params.one(name), sent.as_slice()) {
                (Ok(None), []) | (Err(_), [_, _, ..]) => {}
                (Ok(Some(value)), [only]) => prop_assert_eq!(value, *only),
                (got, sent) => prop_assert!(false, "{got:?} of {sent:?}"),
            }
        }
    }

    /// For arbitrary bytes, no value is empty, and only repeated parameters are errors.
    #[test]
    fn any_bytes_are_a_form(bytes in proptest::collection::vec(
        prop_oneof![any::<u8>(), select(b"&=%+;ab0".to_vec())], 0..48
    )) {
        let params = Params::parse(&bytes);
        for (name, _) in form_urlencoded::parse(&bytes) {
            prop_assert!(params.many(&name).all(|value| !value.is_empty()));
            let many = params.many(&name).count();
            prop_assert_eq!(params.one(&name).is_err(), many > 1);
        }
    }

    /// Draft §4 of client ID metadata documents: an accepted document belongs to its client and contains
    /// nothing that could mislead a person.
    #[test]
    fn a_document_that_is_taken_is_that_of_its_url((document, body) in client_body()) {
        let id = ClientId::parsed("https://a.example/client.json");
        let taken = {
            let terms = metadata::Terms { app_schemes: &app_schemes(), device_grant: true };
            id_document::parse(&id, &body, terms)
        };
        if let Ok(metadata) = &taken {
            let read: Value = serde_json::from_slice(&body).unwrap();
            prop_assert_eq!(&read["client_id"], id.as_str());
            prop_assert!(read.get("client_secret").is_none_or(Value::is_null));
            let method = metadata.token_endpoint_auth_method;
            prop_assert!(matches!(method, AuthMethod::None | AuthMethod::PrivateKeyJwt));
            prop_assert!(!metadata.redirect_uris.is_empty());
            for uri in &metadata.redirect_uris {
                prop_assert!(redirect_uri::check(uri, &app_schemes()).is_ok());
            }
            let name = metadata.client_name.as_deref().unwrap();
            prop_assert!(name.chars().count() <= 100 && !name.chars().any(char::is_control));
            let turning = ['\u{202e}', '\u{200b}'];
            prop_assert!(!name.contains(turning));
            prop_assert!(metadata.grant_types.iter().any(|grant| grant == "authorization_code"));
        }
        prop_assert!(body != document.to_string().into_bytes()
            || document["client_id"] == id.as_str() || taken.is_err());
    }

    /// RFC 6750 §3, RFC 9110 §11.6.1: parsing a challenge returns its parameters, for every server.
    #[test]
    fn a_challenge_is_read_as_it_was_meant(
        (path, basic, needed, held) in ("(/\\PC{0,12}){0,3}", scopes(), scopes(), scopes()),
        with_error in any::<bool>(),
    ) {
        let Ok(resource) = ResourceUri::parse(&format!("https://time.example{path}")) else {
            return Ok(());
        };
        let server = McpServer {
            name: ServerName::parse("time").unwrap(),
            title: "Time".to_owned(),
            resource: resource.clone(),
            allow: None,
            scopes: ServerScopes::basic(basic.clone()),
            enforcer: Enforcer::Proxy,
            url: None,
        };
        let (challenge, scope) = if with_error {
            let held = held.union(&basic);
            (Challenge::to_step_up(&server, &needed, &held), needed.union(&basic))
        } else {
            (Challenge::of(&server, None), basic)
        };
        let header = challenge.header();
        prop_assert!(reqwest::header::HeaderValue::from_str(&header).is_ok(), "{header}");
        prop_assert!(header.is_ascii());
        let mut read = challenge_parameters(&header).expect(&header);
        prop_assert_eq!(read.remove("resource_metadata"), Some(resource.metadata_url()));
        let read_scope = read.remove("scope").unwrap_or_default();
        prop_assert_eq!(Scopes::parse(&read_scope).unwrap(), scope);
        let owned = |error: ChallengeError| (error.code.to_owned(), error.description.to_owned());
        let error = read.remove("error").zip(read.remove("error_description"));
        prop_assert_eq!(error, challenge.error().map(owned));
        prop_assert!(read.is_empty());
    }
}
