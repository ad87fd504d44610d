//! Tests of permitted and refused requests.

use super::*;

fn target(path: &str, query: &str) -> Result<String, u16> {
    let request = EngineRequest::read(path, query).map_err(|refused| refused.status.as_u16())?;
    let target = request.target();
    let decoded = |it: &str| {
        let pairs = form_urlencoded::parse(it.as_bytes());
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    };
    Ok(match target.split_once('?') {
        Some((path, query)) => format!("{path}?{}", decoded(query)),
        None => target,
    })
}

#[test]
fn s3_traefik_and_the_catalogue_may_ask() {
    let id = "e8df18340df5f316ad853411ae8526d558c01ee417420f819de7d332125848ae";
    let inspect = format!("/v1.41/containers/{id}/json");
    for (path, query, expected) in [
        ("/_ping", "", "/_ping"),
        ("/v1.44/_ping", "", "/_ping"),
        ("/version", "", "/version"),
        ("/v1.41/version", "", "/v1.41/version"),
        ("/v1.41/containers/json", "all=1", "/v1.41/containers/json?all=1"),
        ("/containers/json", "", "/containers/json?"),
        (&inspect, "", &inspect),
        ("/containers/gateway-time-1/json", "", "/containers/gateway-time-1/json"),
        (
            "/v1.41/events",
            "since=12.000000005&filters=%7B%22type%22%3A%7B%22container%22%3Atrue%7D%7D",
            r#"/v1.41/events?since=12.000000005&filters={"event":["create","destroy","die","health_status","pause","rename","start","stop","unpause"],"type":["container"]}"#,
        ),
        (
            "/events",
            r#"filters={"type":["image","container"],"event":["start","exec_start","die"]}"#,
            r#"/events?filters={"event":["start","die"],"type":["container"]}"#,
        ),
    ] {
        assert_eq!(target(path, query).as_deref(), Ok(expected), "{path}?{query}");
    }
}

#[test]
fn s3_nobody_may_ask_more() {
    for path in [
        "/",
        "/info",
        "/images/json",
        "/images/x/json",
        "/containers/x/top",
        "/containers/x/logs",
        "/containers/x/archive",
        "/containers/x/../../images/json",
        "/containers/../images/json",
        "/containers/%2e%2e/json",
        "/containers/x%2Fy/json",
        "/containers//json",
        "/containers/x/y/json",
        "/v1.41/v1.41/version",
        "/v2.0/version",
        "/v1./version",
        "/v1.41version",
        "/v1.41000/version",
        "//version",
        "/version/",
        "/services",
        "/networks",
        "/secrets",
    ] {
        assert_eq!(target(path, ""), Err(403), "{path}");
    }
    for (path, query) in [
        ("/containers/json", "size=1"),
        ("/containers/json", "all=2"),
        ("/containers/json", "all=1&all=0"),
        ("/containers/json", "limit=x"),
        ("/containers/json", r#"filters={"label":["traefik.enable"]}"#),
        ("/containers/json", r#"filters={"name":"x"}"#),
        ("/containers/json", "filters=x"),
        ("/containers/x/json", "size=1"),
        ("/events", "since=yesterday"),
        ("/events", r#"filters={"event":["exec_start"]}"#),
        ("/events", r#"filters={"label":["a"]}"#),
        ("/events", r#"filters={"event":[1]}"#),
    ] {
        assert_eq!(target(path, query), Err(400), "{path}?{query}");
    }
    assert_eq!(target("/events", &"x".repeat(LONGEST_QUERY + 1)), Err(400));
}
