//! What everybody may see, and what nobody may.

use gateway_tests::{client::Reply, stack::Stack};
use reqwest::Method;
use url::Url;

use crate::{Scenario, run};

pub const SCENARIOS: &[Scenario] = &[
    ("every_method_is_challenged_with_the_metadata_url", every_method_is_challenged),
    ("the_chain_of_discovery_holds_on_every_host", the_chain_of_discovery_holds),
    ("what_is_internal_is_not_published", what_is_internal_is_not_published),
    ("login_providers_reach_their_endpoints", login_providers_reach_their_endpoints),
    ("an_unknown_server_is_not_found_with_a_hint", an_unknown_server_is_not_found),
    ("browsers_may_read_the_challenge", browsers_may_read_the_challenge),
    ("plain_http_redirects", plain_http_redirects),
];

/// RFC 9728 §5.1 on POST, GET and DELETE; the document it names exists and names this server.
fn every_method_is_challenged(stack: &Stack) {
    run(async {
        for server in stack.servers() {
            let url = Url::parse(stack.url(server)).unwrap();
            for method in [Method::POST, Method::GET, Method::DELETE] {
                let reply = Reply::read(stack.http().request(method.clone(), url.clone())).await;
                let document =
                    format!("https://{}/.well-known/oauth-protected-resource/mcp", url.authority());
                let expected = format!("Bearer resource_metadata=\"{document}\", scope=\"mcp\"");
                assert_eq!(reply.status, 401, "{method} {url}");
                assert_eq!(reply.header("www-authenticate"), expected);
            }
        }
    });
}

/// From the challenge to the authorization server, as a client walks it.
fn the_chain_of_discovery_holds(stack: &Stack) {
    run(async {
        for server in stack.servers() {
            let url = Url::parse(stack.url(server)).unwrap();
            let at = |path: &str| format!("https://{}{path}", url.authority());
            for path in ["/mcp", ""] {
                let path = at(&format!("/.well-known/oauth-protected-resource{path}"));
                let document = Reply::read(stack.http().get(path)).await;
                assert_eq!(document.body["resource"], url.as_str());
                assert_eq!(document.body["authorization_servers"][0], stack.issuer());
            }
            for host in [stack.issuer().to_owned(), at("")] {
                for kind in ["oauth-authorization-server", "openid-configuration"] {
                    let path = format!("{host}/.well-known/{kind}");
                    let document = Reply::read(stack.http().get(path)).await;
                    assert_eq!(document.body["issuer"], stack.issuer(), "{host} {kind}");
                }
            }
        }
    });
}

/// The callback and the endpoint for logout tokens of a login provider are on the login host.
fn login_providers_reach_their_endpoints(stack: &Stack) {
    run(async {
        let logout = stack.http().post(format!("{}/backchannel-logout/nobody", stack.issuer()));
        let reply = Reply::read(logout.form(&[("logout_token", "x")])).await;
        assert_eq!(reply.status, 404);
        assert_eq!(reply.body["error_description"], "there is no such login provider");
        let callback =
            stack.http().get(format!("{}/callback/nobody?state=x&code=y", stack.issuer()));
        assert_eq!(Reply::read(callback).await.status, 400);
    });
}

/// `/verify`, the feed of ended grants, readiness and metrics are for the gateway itself.
fn what_is_internal_is_not_published(stack: &Stack) {
    run(async {
        for path in ["/verify", "/ended-grants", "/ready", "/metrics", "/token/../verify"] {
            let reply = Reply::read(stack.http().get(format!("{}{path}", stack.issuer()))).await;
            assert_eq!(reply.status, 404, "{path}");
        }
        let health = Reply::read(stack.http().get(format!("{}/health", stack.issuer()))).await;
        assert_eq!(health.status, 200);
    });
}

fn an_unknown_server_is_not_found(stack: &Stack) {
    run(async {
        let url = stack.url("time").replace("//time.", "//unknown.");
        let reply = Reply::read(stack.http().post(url)).await;
        assert_eq!(reply.status, 404);
        assert!(reply.body["error_description"].as_str().unwrap().contains("check its name"));
    });
}

/// CORS: a browser client reads the challenge and the session id, and may send its headers.
fn browsers_may_read_the_challenge(stack: &Stack) {
    run(async {
        let origin = ("Origin", "https://inspector.example");
        let request = stack.http().post(stack.url("time")).header(origin.0, origin.1);
        let reply = Reply::read(request).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("access-control-allow-origin")),
            (401, "*")
        );
        let exposed = reply.header("access-control-expose-headers").to_lowercase();
        for name in ["www-authenticate", "mcp-session-id", "mcp-protocol-version"] {
            assert!(exposed.contains(name), "{name} is not in {exposed}");
        }
        let preflight = stack
            .http()
            .request(Method::OPTIONS, stack.url("time"))
            .header(origin.0, origin.1)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,mcp-session-id");
        let reply = Reply::read(preflight).await;
        assert_eq!(reply.status, 200);
        let allowed = reply.header("access-control-allow-headers").to_lowercase();
        assert!(allowed.contains("authorization") && allowed.contains("mcp-session-id"));
    });
}

fn plain_http_redirects(stack: &Stack) {
    run(async {
        let config = std::fs::read_to_string(stack.path("traefik.yml")).unwrap();
        let address = config.lines().find_map(|line| line.trim().strip_prefix("address: "));
        let address = address.expect("the first entry point").trim_matches('"').to_owned();
        let url = Url::parse(stack.url("time")).unwrap();
        let request = stack.http().get(format!("http://{address}/mcp?x=1"));
        let reply = Reply::read(request.header("Host", url.host_str().unwrap())).await;
        let expected = format!("https://{}/mcp?x=1", url.authority());
        assert!(reply.status.is_redirection(), "{reply:?}");
        assert_eq!(reply.header("location"), expected);
    });
}
