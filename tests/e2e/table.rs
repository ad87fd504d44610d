//! A row of a table of requests: what is sent, and what has to come of it.

use gateway_tests::stack::Stack;
use libtest_mimic::{Failed, Trial};
use std::sync::{Arc, OnceLock};

use crate::edge::{Edge, SECRET};

/// What every forged value says.
pub const FORGED: &str = "forged";

/// The headers that tell a server who asks, with what they have to say at `echo-a`; nothing: something
/// that the client did not send.
const IDENTITY: [(&str, Option<&str>); 10] = [
    ("X-MCP-Server", Some("{server}")),
    ("X-User-Id", Some("local:alice")),
    ("X-User-Name", Some("alice")),
    ("X-User-Email", Some("")),
    ("X-Client-Id", None),
    ("X-Auth-Scopes", Some("mcp")),
    ("X-MCP-Challenge", None),
    ("X-MCP-Identity", None),
    ("X-Request-Id", None),
    ("X-Client-Address", Some("127.0.0.1")),
];

/// The names of the identity headers.
pub fn identity_headers() -> impl Iterator<Item = &'static str> {
    IDENTITY.iter().map(|(name, _)| *name)
}

/// One request and its fate.
pub struct Row {
    /// The name of the test.
    pub name: String,
    /// The host of the TLS handshake (RFC 6066 §3).
    pub sni: &'static str,
    /// What is sent.
    pub sent: Sent,
    /// What has to happen.
    pub fate: Fate,
}

/// A request, with the placeholders of [`Edge::fill`].
pub enum Sent {
    /// The bytes of HTTP/1.1.
    Raw(String),
    /// HTTP/2: the path, and headers besides the token.
    Http2(&'static str, Vec<(String, String)>),
}

/// What has to come of a request.
#[derive(Clone, Debug)]
pub enum Fate {
    /// The server of this name gets it, with this request target and a true identity.
    Arrives(&'static str, String),
    /// The client gets this status, and no server gets anything.
    Refused(u16),
}

/// A request of HTTP/1.1 with the token for `token`, and `more` header lines.
pub fn request(target: &str, host: &str, token: &str, more: &str) -> String {
    let authorization = match token {
        "" => String::new(),
        name => format!("Authorization: Bearer {{{name}}}\r\n"),
    };
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{authorization}{more}X-Row: {{row}}\r\n\r\n")
}

/// A test for each row; the first that runs starts the edge.
pub fn trials(
    rows: Vec<Row>,
    stack: &Arc<OnceLock<Stack>>,
    edge: &Arc<OnceLock<Edge>>,
) -> Vec<Trial> {
    let trial = |row: Row| {
        let (stack, edge) = (Arc::clone(stack), Arc::clone(edge));
        Trial::test(format!("spoofing::{}", row.name), move || {
            let stack = stack.get().expect("the stack runs");
            row.check(edge.get_or_init(|| Edge::start(stack)))
        })
    };
    rows.into_iter().map(trial).collect()
}

impl Row {
    fn check(&self, edge: &Edge) -> Result<(), Failed> {
        let answer = match &self.sent {
            Sent::Raw(text) => {
                let request = edge.fill(&text.replace("{row}", &self.name));
                edge.exchange(self.sni, &request).unwrap_or_default()
            }
            Sent::Http2(path, headers) => self.over_http2(edge, path, headers),
        };
        let arrived = edge.arrived(&format!("X-Row: {}\r\n", self.name));
        let problem = match &self.fate {
            Fate::Refused(status) if !arrived.is_empty() => {
                Some(format!("{status} was expected; this arrived: {arrived:?}"))
            }
            Fate::Refused(status) => (answer.split(' ').nth(1)
                != Some(status.to_string().as_str()))
            .then(|| format!("{status} was expected: {answer:.300}")),
            Fate::Arrives(server, target) => match arrived.as_slice() {
                [request] => wrong(edge, (server, target), request, &answer),
                other => Some(format!("{} arrived: {answer:.300}", other.len())),
            },
        };
        problem.map_or(Ok(()), |problem| Err(problem.into()))
    }

    fn over_http2(&self, edge: &Edge, path: &str, headers: &[(String, String)]) -> String {
        crate::run(async {
            let url = format!("https://{}:{}{path}", self.sni, edge.address.port());
            let mut request = edge.http2().get(url).header("x-row", &self.name);
            for (name, value) in headers {
                let value = edge.fill(value);
                request = request.header(name.as_str(), value);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.version(), reqwest::Version::HTTP_2);
            let (status, server) = (answer.status(), answer.headers().get("x-echo").cloned());
            let server = server.map_or_else(String::new, |s| s.to_str().unwrap().to_owned());
            format!("HTTP/1.1 {} \r\nX-Echo: {server}\r\n", status.as_u16())
        })
    }
}

/// What is wrong with a request that arrived.
fn wrong(
    edge: &Edge,
    (server, target): (&str, &str),
    request: &str,
    answer: &str,
) -> Option<String> {
    let place = server.rsplit('-').next()?;
    if !answer.contains(&format!("X-Echo: {place}\r\n")) {
        return Some(format!("another server answered: {answer:.300}"));
    }
    let head = request.split("\r\n\r\n").next()?;
    let first = head.lines().next()?;
    if first.split(' ').nth(1) != Some(target) {
        return Some(format!("the server was asked for {first:?} and not {target}"));
    }
    forged_identity(edge, server, request)
}

/// What is not as it should be in the identity that `request` came with.
pub fn forged_identity(edge: &Edge, server: &str, request: &str) -> Option<String> {
    let head = request;
    let lines = head.split("\r\n");
    let headers: Vec<(&str, &str)> =
        lines.map(|line| line.split_once(':').unwrap_or((line, ""))).collect();
    let read_as = |name: &str| {
        let alike = |other: &str| other.replace(['_', '.'], "-").eq_ignore_ascii_case(name);
        let values = headers.iter().filter(move |(other, _)| alike(other));
        values.map(|(_, value)| value.trim()).collect::<Vec<_>>()
    };
    for (name, expected) in IDENTITY {
        let values = read_as(name);
        let expected = expected.map(|value| value.replace("{server}", server));
        let good = match expected {
            // To nginx an empty header is none.
            Some(expected) if expected.is_empty() && values.is_empty() => true,
            Some(expected) => values == [expected.as_str()],
            None => matches!(&values[..], [value] if !value.is_empty()),
        };
        if !good {
            return Some(format!("{name}: {values:?} arrived: {head}"));
        }
    }
    let token = edge.token(server);
    for secret in [FORGED, SECRET, token, "echo-b", "/b/"] {
        if request.contains(secret) {
            return Some(format!("{secret} arrived: {request}"));
        }
    }
    None
}
