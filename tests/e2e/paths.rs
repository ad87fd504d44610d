//! URLs that may be read in two ways: the server that Traefik chooses is the one that the token was
//! checked for, or nothing arrives.

use crate::table::{Fate, Row, Sent, request};

const A: &str = "echo-a.mcp.localhost";
const AT_A: &str = "echo-a.mcp.localhost:{port}";
const PATHS: &str = "paths.mcp.localhost";
const AT_PATHS: &str = "paths.mcp.localhost:{port}";

/// The table.
pub fn rows() -> Vec<Row> {
    [targets(), servers_by_path(), hosts(), absolute(), messages(), http2()]
        .into_iter()
        .flatten()
        .collect()
}

fn row(name: &str, sni: &'static str, sent: String, fate: Fate) -> Row {
    Row { name: format!("url_{name}"), sni, sent: Sent::Raw(sent), fate }
}

fn arrives(target: &str) -> Fate {
    Fate::Arrives("echo-a", target.to_owned())
}

/// What stands after the host, at a server that has a host of its own.
fn targets() -> Vec<Row> {
    use Fate::Refused;
    let long = format!("/mcp/{}", "a".repeat(8000));
    let longest = format!("/mcp/{}", "a".repeat(70_000));
    [
        ("plain", "/mcp", arrives("/mcp")),
        ("below", "/mcp/more", arrives("/mcp/more")),
        ("with_a_query", "/mcp?x=/../y&z=%2e%2e", arrives("/mcp?x=/../y&z=%2e%2e")),
        ("with_an_empty_query", "/mcp?", arrives("/mcp?")),
        ("with_a_slash_at_the_end", "/mcp/", arrives("/mcp/")),
        ("dot", "/./mcp", arrives("/mcp")),
        ("dots_within", "/x/../mcp", arrives("/mcp")),
        ("dots_out", "/../mcp", arrives("/mcp")),
        ("dots_away", "/mcp/../x", Refused(404)),
        ("encoded_dots", "/x/%2e%2e/mcp", arrives("/mcp")),
        ("encoded_dots_upper_case", "/x/%2E%2E/mcp", arrives("/mcp")),
        ("half_encoded_dots", "/x/.%2e/mcp", arrives("/mcp")),
        ("dots_encoded_twice", "/x/%252e%252e/mcp", Refused(400)),
        ("encoded_dots_away", "/mcp/%2e%2e/x", Refused(404)),
        ("two_slashes", "//mcp", arrives("/mcp")),
        ("two_slashes_within", "/mcp//x", arrives("/mcp/x")),
        ("a_host_after_two_slashes", "//echo-b.mcp.localhost/mcp", Refused(404)),
        ("encoded_slash", "/%2fmcp", Refused(400)),
        ("encoded_slash_within", "/mcp%2fx", Refused(400)),
        ("encoded_slash_upper_case", "/mcp%2Fx", Refused(400)),
        ("encoded_backslash", "/mcp%5cx", Refused(400)),
        ("backslash", "/mcp\\x", Refused(400)),
        ("backslash_first", "\\mcp", Refused(400)),
        ("semicolon", "/mcp;x=1", Refused(400)),
        ("semicolon_and_dots", "/x/..;/mcp", Refused(400)),
        ("encoded_semicolon", "/mcp%3bx", Refused(400)),
        ("encoded_nul", "/mcp%00", Refused(400)),
        ("nul", "/mcp\0", Refused(400)),
        ("encoded_question_mark", "/mcp%3fx", Refused(400)),
        ("encoded_hash", "/mcp%23x", Refused(400)),
        ("fragment", "/mcp#x", Refused(400)),
        ("fragment_before_dots", "/mcp#/../x", Refused(400)),
        ("encoded_letter", "/%6dcp", arrives("/mcp")),
        ("encoded_percent", "/mcp%25", Refused(400)),
        ("broken_escape", "/mcp%zz", Refused(400)),
        ("encoded_line_end", "/mcp%0d%0aX-User-Id:%20forged", Refused(400)),
        ("beyond_ascii", "/mcp/\u{e9}", Refused(400)),
        ("overlong_utf8_dots", "/x/%c0%ae%c0%ae/mcp", Refused(400)),
        ("in_upper_case", "/MCP", Refused(404)),
        ("a_longer_name", "/mcpx", Refused(404)),
        ("nothing", "/", Refused(404)),
        ("no_slash", "mcp", Refused(400)),
        ("asterisk", "*", Refused(400)),
        ("with_a_blank", "/mcp /x", Refused(400)),
        ("with_a_tab", "/mcp\t/x", Refused(400)),
        ("of_8_kb", &long.clone(), arrives(&long)),
        ("of_70_kb", &longest, Refused(431)),
        ("of_verify", "/verify", Refused(404)),
        ("of_verify_by_dots", "/mcp/../verify", Refused(404)),
        ("of_ended_grants", "/ended-grants", Refused(404)),
        ("of_metrics", "/metrics", Refused(404)),
    ]
    .map(|(name, target, fate)| {
        row(name, A, request(target, AT_A, "echo-a", "Connection: close\r\n"), fate)
    })
    .into()
}

/// Two servers below one host: a token for the one, and every way to the other.
fn servers_by_path() -> Vec<Row> {
    use Fate::Refused;
    let at = |target: &str| Fate::Arrives("path-a", target.to_owned());
    [
        ("own", "/a/mcp", at("/a/mcp")),
        ("other", "/b/mcp", Refused(401)),
        ("dots", "/a/mcp/../../b/mcp", Refused(401)),
        ("dots_back", "/b/mcp/../../a/mcp", at("/a/mcp")),
        ("dots_above_the_root", "/a/../../../b/mcp", Refused(401)),
        ("encoded_dots", "/a/mcp/%2e%2e/%2e%2e/b/mcp", Refused(401)),
        ("encoded_slashes", "/a/mcp%2f..%2f..%2fb/mcp", Refused(400)),
        ("encoded_slashes_and_dots", "/a%2f%2e%2e%2fb/mcp", Refused(400)),
        ("encoded_twice", "/a/%252e%252e/b/mcp", Refused(400)),
        ("semicolon", "/a/mcp;/../../b/mcp", Refused(401)),
        ("semicolon_dots", "/a/..;/b/mcp", Refused(400)),
        ("backslashes", "/a\\..\\b\\mcp", Refused(400)),
        ("backslash_dots", "/a/..\\b/mcp", Refused(400)),
        ("two_slashes", "/a//../b/mcp", Refused(401)),
        ("encoded_letter", "/%62/mcp", Refused(401)),
        ("encoded_own_letter", "/%61/mcp", at("/a/mcp")),
        ("query", "/b/mcp?/../../a/mcp", Refused(401)),
        ("fragment", "/b/mcp#/../../a/mcp", Refused(400)),
        ("encoded_hash", "/a/mcp%23/../../b/mcp", Refused(401)),
        ("encoded_hash_back", "/b/mcp%23/../../a/mcp", at("/a/mcp")),
        ("encoded_question_mark", "/a/mcp%3f/../../b/mcp", Refused(401)),
        ("encoded_question_mark_back", "/b/mcp%3f/../../a/mcp", at("/a/mcp")),
        ("encoded_nul", "/a/mcp%00/../../b/mcp", Refused(401)),
        ("encoded_nul_back", "/b/mcp%00/../../a/mcp", at("/a/mcp")),
        ("first_part_alone", "/a/", Refused(404)),
        ("upper_case", "/A/mcp", Refused(404)),
    ]
    .map(|(name, target, fate)| {
        let sent = request(target, AT_PATHS, "path-a", "Connection: close\r\n");
        row(&format!("by_path_{name}"), PATHS, sent, fate)
    })
    .into()
}

/// The host, with a good token for `echo-a`, over a connection for it.
fn hosts() -> Vec<Row> {
    use Fate::Refused;
    [
        ("plain", AT_A, arrives("/mcp")),
        ("of_another_server", "echo-b.mcp.localhost:{port}", Refused(401)),
        ("in_upper_case", "ECHO-A.MCP.LOCALHOST:{port}", arrives("/mcp")),
        ("of_another_in_upper_case", "Echo-B.mcp.localhost:{port}", Refused(401)),
        ("with_a_dot_at_the_end", "echo-a.mcp.localhost.:{port}", arrives("/mcp")),
        ("with_two_dots_at_the_end", "echo-a.mcp.localhost..:{port}", Refused(404)),
        ("without_a_port", "echo-a.mcp.localhost", Refused(404)),
        ("with_another_port", "echo-a.mcp.localhost:1", Refused(404)),
        ("with_an_empty_port", "echo-a.mcp.localhost:", Refused(404)),
        ("with_a_port_of_words", "echo-a.mcp.localhost:port", Refused(400)),
        ("with_two_ports", "echo-a.mcp.localhost:{port}:{port}", Refused(404)),
        ("with_a_user", "echo-b.mcp.localhost@echo-a.mcp.localhost:{port}", Refused(400)),
        ("with_a_path", "echo-a.mcp.localhost:{port}/mcp", Refused(400)),
        ("with_a_fragment", "echo-b.mcp.localhost#echo-a.mcp.localhost", Refused(400)),
        ("with_a_comma", "echo-b.mcp.localhost:{port},echo-a.mcp.localhost:{port}", Refused(404)),
        ("with_a_blank", "echo-b.mcp.localhost echo-a.mcp.localhost", Refused(400)),
        ("with_a_nul", "echo-a.mcp.localhost\0", Refused(400)),
        ("with_an_escape", "echo%2da.mcp.localhost:{port}", Refused(404)),
        ("beyond_ascii", "\u{e9}cho-a.mcp.localhost:{port}", Refused(400)),
        ("as_an_address", "127.0.0.1:{port}", Refused(404)),
        ("unknown_below_the_domain", "echo-c.mcp.localhost:{port}", Refused(404)),
        ("of_somebody_else", "echo-a.example:{port}", Refused(404)),
        ("below_the_server", "x.echo-a.mcp.localhost:{port}", Refused(404)),
        ("empty", "", Refused(404)),
    ]
    .map(|(name, host, fate)| {
        let sent = request("/mcp", host, "echo-a", "Connection: close\r\n");
        row(&format!("host_{name}"), A, sent, fate)
    })
    .into()
}

/// The absolute form of the request target (RFC 9112 §3.2.2) replaces the host.
fn absolute() -> Vec<Row> {
    use Fate::Refused;
    let b = "https://echo-b.mcp.localhost:{port}/mcp";
    [
        ("of_the_server", "https://echo-a.mcp.localhost:{port}/mcp", AT_A, arrives("/mcp")),
        ("of_another", b, AT_A, Refused(401)),
        (
            "over_another_host",
            "https://echo-a.mcp.localhost:{port}/mcp",
            "echo-b.mcp.localhost:{port}",
            arrives("/mcp"),
        ),
        ("by_http", "http://echo-b.mcp.localhost:{port}/mcp", AT_A, Refused(401)),
        (
            "with_a_user",
            "https://echo-a.mcp.localhost@echo-b.mcp.localhost:{port}/mcp",
            AT_A,
            Refused(401),
        ),
        ("with_dots", "https://echo-a.mcp.localhost:{port}/x/../mcp", AT_A, arrives("/mcp")),
        ("without_a_path", "https://echo-a.mcp.localhost:{port}", AT_A, Refused(404)),
        ("of_another_scheme", "ftp://echo-b.mcp.localhost:{port}/mcp", AT_A, Refused(401)),
    ]
    .map(|(name, target, host, fate)| {
        let sent = request(target, host, "echo-a", "Connection: close\r\n");
        row(&format!("absolute_{name}"), A, sent, fate)
    })
    .into()
}

/// Where one message ends and the next begins (RFC 9112 §6.3, §11.2), and methods.
fn messages() -> Vec<Row> {
    use Fate::Refused;
    let hidden = request("/mcp", "echo-b.mcp.localhost:{port}", "", "Connection: close\r\n");
    let post = |lines: &str, body: &str| {
        request("/mcp", AT_A, "", lines).replacen("GET", "POST", 1) + body
    };
    let both = format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", hidden.len() + 5);
    let with_body = |lines: &str| request("/mcp", AT_A, "echo-a", lines).replacen("GET", "POST", 1);
    // Without the name of the row, so that its length is known here.
    let inner = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    let length = format!("Connection: close\r\nContent-Length: {}\r\n", inner.len());
    let chunks = "Connection: close\r\nTransfer-Encoding: chunked\r\n";
    let connect =
        request("/mcp", AT_A, "", "").replacen("GET /mcp", "CONNECT echo-b.mcp.localhost:443", 1);
    let method = |name: &str, token: &str| {
        request("/mcp", AT_A, token, "Connection: close\r\n").replacen("GET", name, 1)
    };
    [
        ("two_hosts", request("/mcp", AT_A, "echo-a", "Host: echo-b.mcp.localhost:{port}\r\n"), Refused(400)),
        ("no_host", "GET /mcp HTTP/1.1\r\nAuthorization: Bearer {echo-a}\r\nX-Row: {row}\r\n\r\n".to_owned(), Refused(400)),
        ("a_folded_host", request("/mcp", "echo-a.mcp.localhost\r\n :{port}", "echo-a", ""), Refused(400)),
        ("length_and_chunks", post(&both, &format!("0\r\n\r\n{hidden}")), Refused(401)),
        ("length_and_chunks_with_a_token", format!("{}0\r\n\r\n{hidden}", with_body(&both)), arrives("/mcp")),
        ("a_request_in_the_body", with_body(&length) + inner, arrives("/mcp")),
        (
            "a_request_in_a_chunk",
            format!("{}{:x}\r\n{inner}\r\n0\r\n\r\n", with_body(chunks), inner.len()),
            arrives("/mcp"),
        ),
        ("two_lengths", post("Content-Length: 0\r\nContent-Length: 5\r\n", &hidden), Refused(400)),
        ("a_length_with_a_sign", post("Content-Length: +0\r\n", &hidden), Refused(400)),
        ("odd_chunks", post("Transfer-Encoding: xchunked\r\n", &hidden), Refused(501)),
        ("chunks_with_underscores", post("Transfer_Encoding: chunked\r\nContent-Length: 0\r\n", &hidden), Refused(401)),
        ("connect", connect, Refused(501)),
        ("options_without_a_token", method("OPTIONS", ""), Refused(401)),
        ("head_without_a_token", method("HEAD", ""), Refused(401)),
        ("unknown_method_without_a_token", method("BREW", ""), Refused(401)),
        ("upgrade_without_a_token", request("/mcp", AT_A, "", "Connection: Upgrade\r\nUpgrade: websocket\r\n"), Refused(401)),
        ("upgrade_to_http2", request("/mcp", AT_A, "echo-b", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"), Refused(401)),
        ("an_old_version", request("/mcp", AT_A, "", "").replacen("HTTP/1.1", "HTTP/1.0", 1), Refused(401)),
        ("a_preflight", request("/mcp", AT_A, "", "Origin: https://x.example\r\nAccess-Control-Request-Method: POST\r\n").replacen("GET", "OPTIONS", 1), Refused(200)),
    ]
    .map(|(name, sent, fate)| row(&format!("message_{name}"), A, sent, fate))
    .into()
}

/// In HTTP/2 the host is `:authority` (RFC 9113 §8.3.1).
fn http2() -> Vec<Row> {
    use Fate::Refused;
    let host = "echo-b.mcp.localhost:{port}";
    [
        ("plain", "/mcp", "echo-a", vec![], arrives("/mcp")),
        ("without_a_token", "/mcp", "", vec![], Refused(401)),
        ("token_of_another", "/mcp", "echo-b", vec![], Refused(401)),
        ("host_of_another_and_its_token", "/mcp", "echo-b", vec![("host", host)], Refused(401)),
        ("host_of_another", "/mcp", "echo-a", vec![("host", host)], arrives("/mcp")),
        (
            "forwarded_host_of_another",
            "/mcp",
            "echo-b",
            vec![("x-forwarded-host", host)],
            Refused(401),
        ),
        ("semicolon", "/mcp;x", "echo-a", vec![], Refused(400)),
        ("encoded_slash", "/mcp%2fx", "echo-a", vec![], Refused(400)),
        ("two_slashes", "//mcp", "echo-a", vec![], arrives("/mcp")),
        ("encoded_nul", "/mcp%00", "echo-a", vec![], Refused(400)),
    ]
    .map(|(name, path, token, headers, fate)| {
        let mut sent: Vec<(String, String)> =
            headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if !token.is_empty() {
            sent.push(("authorization".to_owned(), format!("Bearer {{{token}}}")));
        }
        let sent = Sent::Http2(path, sent);
        Row { sent, ..row(&format!("http2_{name}"), A, String::new(), fate) }
    })
    .into()
}
