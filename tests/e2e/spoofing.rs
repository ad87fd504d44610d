//! Forged headers, each in all spellings, as requests of a client with a good token: what arrives is
//! who the client is, and never who it says it is.

use crate::table::{FORGED, Fate, Row, Sent, identity_headers, request};

const A: &str = "echo-a.mcp.localhost";
const AT_A: &str = "echo-a.mcp.localhost:{port}";

/// The table.
pub fn rows() -> Vec<Row> {
    [identity(), authorization(), forwarded(), secret()].into_iter().flatten().collect()
}

fn row(name: String, sent: String, fate: Fate) -> Row {
    Row { name: name.to_ascii_lowercase().replace('-', "_"), sni: A, sent: Sent::Raw(sent), fate }
}

fn arrives() -> Fate {
    Fate::Arrives("echo-a", "/mcp".to_owned())
}

/// A good request with these header lines.
fn with(lines: &str) -> String {
    request("/mcp", AT_A, "echo-a", lines)
}

/// Every identity header in every spelling.
fn identity() -> Vec<Row> {
    let of = |name: &'static str| {
        let (under, dotted) = (name.replace('-', "_"), name.replace('-', "."));
        let half = name.replacen('-', "_", 1);
        let (large, most) = (FORGED.repeat(1400), FORGED.repeat(12_000));
        let chunked = |trailer: &str| {
            let head = with(&format!("Transfer-Encoding: chunked\r\nTrailer: {trailer}\r\n"));
            format!("{head}2\r\n{{}}\r\n0\r\n{trailer}: {FORGED}\r\n\r\n")
                .replacen("GET", "POST", 1)
        };
        let spelled = [
            ("as_it_is", format!("{name}: {FORGED}\r\n")),
            ("in_lower_case", format!("{}: {FORGED}\r\n", name.to_lowercase())),
            ("in_upper_case", format!("{}: {FORGED}\r\n", name.to_uppercase())),
            ("with_underscores", format!("{under}: {FORGED}\r\n")),
            ("with_dots", format!("{dotted}: {FORGED}\r\n")),
            ("with_both", format!("{half}: {FORGED}\r\n{}: {FORGED}\r\n", half.replace('-', "."))),
            ("twice", format!("{name}: {FORGED}\r\n{name}: {FORGED}\r\n")),
            (
                "in_three_spellings",
                format!("{name}: {FORGED}\r\n{under}: {FORGED}\r\n{dotted}: {FORGED}\r\n"),
            ),
            ("as_a_list", format!("{name}: alice, {FORGED}\r\n")),
            ("empty", format!("{name}:\r\n")),
            ("of_8_kib", format!("{name}: {large}\r\n")),
            ("beyond_ascii", format!("{name}: {FORGED}\u{e9}\u{ff}\r\n")),
            ("folded", format!("{name}: {FORGED}\r\n {FORGED}\r\n")),
            ("made_hop_by_hop", format!("Connection: close, {name}\r\n{name}: {FORGED}\r\n")),
            ("taken_away_by_connection", format!("Connection: {name}\r\n")),
            ("after_an_empty_name_part", format!("{name}-: {FORGED}\r\nConnection: {name}-\r\n")),
        ];
        let mut rows: Vec<Row> = spelled
            .into_iter()
            .map(|(how, lines)| row(format!("{name}_{how}"), with(&lines), arrives()))
            .collect();
        rows.push(row(format!("{name}_as_a_trailer"), chunked(name), arrives()));
        rows.push(row(format!("{name}_as_a_trailer_with_underscores"), chunked(&under), arrives()));
        for (how, lines, status) in [
            ("with_a_blank_before_the_colon", format!("{name} : {FORGED}\r\n"), 400),
            ("with_a_nul", format!("{name}: {FORGED}\0\r\n"), 400),
            ("ended_by_a_carriage_return", format!("X-Other: 1\r{name}: {FORGED}\r\n"), 400),
            ("of_72_kb", format!("{name}: {most}\r\n"), 431),
        ] {
            rows.push(row(format!("{name}_{how}"), with(&lines), Fate::Refused(status)));
        }
        for (how, names) in [
            ("in_http2", vec![name.to_lowercase()]),
            ("twice_in_http2", vec![name.to_lowercase(), name.to_lowercase()]),
            ("with_underscores_in_http2", vec![under.to_lowercase()]),
            ("with_dots_in_http2", vec![dotted.to_lowercase()]),
        ] {
            let mut headers = vec![("authorization".to_owned(), "Bearer {echo-a}".to_owned())];
            headers.extend(names.into_iter().map(|name| (name, FORGED.to_owned())));
            let sent = Sent::Http2("/mcp", headers);
            rows.push(Row { sent, ..row(format!("{name}_{how}"), String::new(), arrives()) });
        }
        rows
    };
    identity_headers().flat_map(of).collect()
}

/// Whose token counts when there are several, and what else could carry one.
fn authorization() -> Vec<Row> {
    let bare = |lines: &str| request("/mcp", AT_A, "", lines);
    let (good, other) =
        ("Authorization: Bearer {echo-a}\r\n", "Authorization: Bearer {echo-b}\r\n");
    [
        ("no_token", bare(""), 401),
        ("an_empty_header", bare("Authorization:\r\n"), 401),
        ("a_token_of_another_server", bare(other), 401),
        ("two_headers_the_good_one_first", bare(&format!("{good}{other}")), 401),
        ("two_headers_the_good_one_last", bare(&format!("{other}{good}")), 401),
        ("the_same_header_twice", bare(&format!("{good}{good}")), 401),
        (
            "two_tokens_in_one_header",
            bare("Authorization: Bearer {echo-a}, Bearer {echo-b}\r\n"),
            401,
        ),
        ("two_tokens_with_a_blank", bare("Authorization: Bearer {echo-b} {echo-a}\r\n"), 401),
        ("with_underscores", bare("Authorization_: Bearer {echo-a}\r\n"), 401),
        ("of_another_scheme", bare("Authorization: Basic {echo-a}\r\n"), 401),
        ("without_a_scheme", bare("Authorization: {echo-a}\r\n"), 401),
        ("made_hop_by_hop", bare(&format!("Connection: Authorization\r\n{good}")), 401),
        ("as_that_of_a_proxy", bare("Proxy-Authorization: Bearer {echo-a}\r\n"), 401),
        ("as_an_alias", bare("X-Authorization: Bearer {echo-a}\r\n"), 401),
        ("in_a_cookie", bare("Cookie: access_token={echo-a}\r\n"), 401),
        ("beyond_ascii", bare("Authorization: Bearer {echo-a}\u{e9}\r\n"), 401),
        // RFC 6750 §2.3 allows it, MCP forbids it (basic/authorization, "Token Requirements").
        ("in_the_query", request("/mcp?access_token={echo-a}", AT_A, "", ""), 401),
        (
            "in_a_form",
            bare("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n")
                + "access_token={echo-a",
            401,
        ),
    ]
    .map(|(how, sent, status)| row(format!("authorization_{how}"), sent, Fate::Refused(status)))
    .into()
}

/// What says where a request really goes, to those who believe it.
fn forwarded() -> Vec<Row> {
    let host = "echo-b.mcp.localhost:{port}";
    let url = "https://echo-b.mcp.localhost:{port}/mcp";
    let claims = [
        ("X-Forwarded-Host", host),
        ("X-Forwarded-Uri", "/b/mcp"),
        ("X-Forwarded-Method", FORGED),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "1"),
        ("X-Forwarded-Prefix", "/b"),
        ("X-Forwarded-Path", "/b/mcp"),
        ("X-Forwarded-Server", host),
        ("X-Forwarded-For", "127.0.0.1"),
        ("Forwarded", "host=echo-b.mcp.localhost;proto=https"),
        ("X-Real-Ip", "127.0.0.1"),
        ("X-Host", host),
        ("X-Original-Host", host),
        ("X-Original-Url", url),
        ("X-Original-Uri", "/b/mcp"),
        ("X-Rewrite-Url", url),
        ("X-HTTP-Host-Override", host),
        ("X-HTTP-Method-Override", FORGED),
    ];
    let mut rows = Vec::new();
    for (name, value) in claims {
        let other = format!("{}: {value}\r\n", name.replace('-', "_"));
        let lines = format!("{name}: {value}\r\n{other}");
        // A token for B opens A no more than before, and one for A is still for A.
        let stolen = request("/mcp", AT_A, "echo-b", &lines);
        rows.push(row(format!("{name}_opens_no_other_server"), stolen, Fate::Refused(401)));
        rows.push(row(format!("{name}_changes_nothing"), with(&lines), arrives()));
    }
    rows
}

/// The secret between Traefik and auth-service.
fn secret() -> Vec<Row> {
    let secret = crate::edge::SECRET;
    let forged = format!("X-Verify-Secret: {FORGED}\r\n");
    [
        ("made_up", forged.clone(), arrives()),
        ("with_underscores", forged.replace('-', "_"), arrives()),
        ("twice", forged.repeat(2), arrives()),
        // Traefik puts it in after it has done what `Connection` says.
        ("taken_away", "Connection: X-Verify-Secret\r\n".to_owned(), arrives()),
        ("guessed", format!("X-Verify-Secret: {secret}\r\n"), arrives()),
    ]
    .map(|(how, lines, fate)| row(format!("x_verify_secret_{how}"), with(&lines), fate))
    .into()
}
