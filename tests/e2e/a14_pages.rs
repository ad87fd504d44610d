//! What a person meets who opens the addresses of the gateway in a browser.

use std::net::{SocketAddr, TcpStream};

use gateway_tests::{client::Reply, stack::Stack};
use reqwest::Method;
use serde_json::json;
use url::Url;

use crate::{Scenario, run};

pub const SCENARIOS: &[Scenario] = &[
    ("a14_a_servers_url_in_a_browser_is_a_page", a_servers_url_in_a_browser),
    ("a14_the_root_of_the_login_host_is_a_page", the_root_of_the_login_host),
    ("a14_a_preflight_for_put_is_answered", a_preflight_for_put),
    ("a14_the_appended_documents_are_routed", the_appended_documents),
    ("a14_the_quickstart_listens_on_ipv6_too", ipv6),
    ("a5_the_metadata_on_a_servers_host_keep_the_hint", the_hint_is_kept),
];

const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

fn a_servers_url_in_a_browser(stack: &Stack) {
    run(async {
        let url = stack.url("time");
        let with = async |url: &str, headers: &[(&str, &str)]| {
            let request = headers.iter().fold(stack.http().get(url), |r, (n, v)| r.header(*n, *v));
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let root = url.strip_suffix("/mcp").unwrap();
        for address in [url.to_owned(), format!("{url}/"), format!("{root}/")] {
            let (status, page) = with(&address, &[("Accept", HTML)]).await;
            assert_eq!((status, page.matches("<h1>").count()), (200, 1), "{address}: {page}");
            assert!(page.contains(url) && page.contains("claude mcp add"), "{page}");
        }
        let unknown = url.replace("//time.", "//unknown.");
        assert_eq!(with(&unknown, &[("Accept", HTML)]).await.0, 404);
        // Programs are challenged as ever.
        for headers in [
            &[("Accept", "*/*")][..],
            &[("Accept", "text/event-stream")],
            &[("Accept", "text/html, text/event-stream")],
            &[("Accept", HTML), ("Authorization", "Bearer x")],
        ] {
            assert_eq!(with(url, headers).await.0, 401, "{headers:?}");
        }
        let post = stack.http().post(url).header("Accept", HTML);
        assert_eq!(post.send().await.unwrap().status(), 401);
    });
}

fn the_root_of_the_login_host(stack: &Stack) {
    run(async {
        let request = stack.http().get(format!("{}/", stack.issuer())).header("Accept", HTML);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let page = answer.text().await.unwrap();
        assert!(page.matches("<h1>").count() == 1 && page.contains("/mcp"), "{page}");
    });
}

/// RFC 7592 from a page: the browser asks first.
fn a_preflight_for_put(stack: &Stack) {
    run(async {
        for method in ["GET", "PUT", "DELETE"] {
            let request = stack
                .http()
                .request(Method::OPTIONS, format!("{}/register/x", stack.issuer()))
                .header("Origin", "https://inspector.example")
                .header("Access-Control-Request-Method", method)
                .header("Access-Control-Request-Headers", "authorization,content-type");
            let reply = Reply::read(request).await;
            assert_eq!(reply.status, 200, "{method}");
            let allowed = reply.header("access-control-allow-methods");
            assert!(allowed.split([',', ' ']).any(|one| one == method), "{method}: {allowed}");
        }
    });
}

fn the_appended_documents(stack: &Stack) {
    run(async {
        for known in ["openid-configuration", "oauth-authorization-server"] {
            let url = format!("{}/.well-known/{known}", stack.url("git"));
            let reply = Reply::read(stack.http().get(url)).await;
            assert_eq!(
                (reply.status.as_u16(), &reply.body["issuer"]),
                (200, &json!(stack.issuer()))
            );
        }
        let url = format!("{}/.well-known/oauth-protected-resource", stack.url("git"));
        assert_eq!(Reply::read(stack.http().get(url)).await.body["resource"], stack.url("git"));
        let at_login = format!("{}/mcp/.well-known/openid-configuration", stack.issuer());
        assert_eq!(Reply::read(stack.http().get(at_login)).await.status, 200);
    });
}

/// `*.localhost` leads to ::1 first in many programs.
fn ipv6(stack: &Stack) {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    run(async {
        let url = Url::parse(stack.url("time")).unwrap();
        let address = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], url.port().unwrap_or(443)));
        let pem = std::fs::read(stack.ca()).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .no_proxy()
            .resolve(url.host_str().unwrap(), address);
        let answer = client.build().unwrap().get(url).send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert!(answer.headers().contains_key("strict-transport-security"));
        let plain = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], stack.port("HTTP_PORT")));
        assert!(TcpStream::connect(plain).is_ok(), "nothing listens at {plain}");
    });
}

/// TS SDK 1.11: several servers, no `resource`.
fn the_hint_is_kept(stack: &Stack) {
    run(async {
        for server in ["time", "git"] {
            let url = Url::parse(stack.url(server)).unwrap();
            let at = |path: &str| format!("https://{}{path}", url.authority());
            let metadata = at("/.well-known/oauth-authorization-server");
            let metadata = Reply::read(stack.http().get(metadata)).await;
            assert_eq!(metadata.body["issuer"], stack.issuer());
            let endpoint = metadata.body["authorization_endpoint"].as_str().unwrap();
            assert_eq!(endpoint, at("/authorize"));
            let asked = Url::parse(&format!("{endpoint}?client_id=x")).unwrap();
            let next = stack.browser().get(&asked).await.next().unwrap();
            assert!(next.as_str().starts_with(stack.issuer()), "{next}");
            let resource = next.query_pairs().find(|(name, _)| name == "resource").unwrap().1;
            assert_eq!(resource, url.as_str());
        }
    });
}
