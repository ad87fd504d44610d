//! One canonical form of host and port: whatever spelling a proxy in front passes on.

use gateway_tests::pkce;
use reqwest::header::HOST;
use serde_json::json;

use crate::support::{Answer, Gateway, ISSUER, TIME, answer, query};

const AUTHORIZE: &str = "/authorize?client_id=x&state=y";

/// The spellings of a host that nginx, Caddy, tunnels and clients are known to pass on.
fn spellings(host: &str) -> [String; 6] {
    [
        host.to_owned(),
        format!("{host}:443"),
        format!("{host}:80"),
        format!("{host}."),
        host.to_uppercase(),
        format!("{}.:443", host.to_uppercase()),
    ]
}

async fn get(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = gateway.http.get(format!("{}{path}", gateway.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    answer(request).await
}

/// nginx with `proxy_set_header Host $host:$server_port`: an endless 303 to the same address.
#[tokio::test]
async fn a2_the_login_host_never_redirects_to_itself() {
    let gateway = Gateway::start();
    let spelled = spellings("auth.gw.example");
    // Another port is that of a proxy inside, and a name that is not ours one of its own.
    let others = ["auth.gw.example:8443", "127.0.0.1:8000", "auth-service", "evil.example", ""];
    for host in spelled.iter().map(String::as_str).chain(others) {
        let page = get(&gateway, AUTHORIZE, &[("Host", host)]).await;
        assert_eq!((page.status, page.header("location")), (400, ""), "{host}");
        let page = get(&gateway, AUTHORIZE, &[("X-Forwarded-Host", host)]).await;
        assert_eq!((page.status, page.header("location")), (400, ""), "forwarded {host}");
    }
}

/// A proxy whose block for the login host names a server would be redirected to for ever.
#[tokio::test]
async fn a2_a_request_is_sent_on_once() {
    let gateway = Gateway::start();
    let first = get(&gateway, AUTHORIZE, &[("Host", "time.gw.example")]).await;
    assert_eq!(first.status, 303);
    let next = first.header("location").strip_prefix(ISSUER).unwrap().to_owned();
    let again = get(&gateway, &next, &[("Host", "time.gw.example")]).await;
    assert_eq!((again.status, again.header("location")), (400, ""));
    assert!(again.body.as_str().unwrap().contains("X-Forwarded-Host"), "{again:?}");
}

#[tokio::test]
async fn a2_every_spelling_of_a_servers_host_is_that_server() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let bearer = format!("Bearer {token}");
    for host in spellings("time.gw.example") {
        for name in ["Host", "X-Forwarded-Host"] {
            let sent = get(&gateway, AUTHORIZE, &[(name, &host)]).await;
            assert_eq!(sent.status, 303, "{name}: {host}");
            let parameters = query(&sent.header("location").parse().unwrap());
            assert_eq!((&*parameters["resource"], &*parameters["state"]), (TIME, "y"), "{host}");
            for path in ["", "/mcp"] {
                let path = format!("/.well-known/oauth-protected-resource{path}");
                let document = get(&gateway, &path, &[(name, &host)]).await;
                assert_eq!(document.body["resource"], TIME, "{name}: {host}");
            }
        }
        let headers = [
            ("X-Forwarded-Host", host.as_str()),
            ("X-Forwarded-Uri", "/mcp"),
            ("Authorization", &bearer),
        ];
        assert_eq!(get(&gateway, "/verify", &headers).await.status, 200, "{host}");
    }
    // The documents are the same for whatever port; what is let in is not.
    let document = "/.well-known/oauth-protected-resource/mcp";
    let elsewhere = [("Host", "time.gw.example:8443")];
    assert_eq!(get(&gateway, document, &elsewhere).await.body["resource"], TIME);
    let headers = [
        ("X-Forwarded-Host", "time.gw.example:8443"),
        ("X-Forwarded-Uri", "/mcp"),
        ("Authorization", &bearer),
    ];
    assert_eq!(get(&gateway, "/verify", &headers).await.status, 404);
}

/// RFC 5891: an internationalized name and its Punycode are one name, in the file as in a request.
#[tokio::test]
async fn a2_an_internationalized_host_is_its_punycode() {
    let gateway = Gateway::start();
    gateway.set_servers(&json!({ "books": { "resource": "https://B\u{fc}cher.example/mcp" } }));
    let resource = "https://xn--bcher-kva.example/mcp";
    let path = "/.well-known/oauth-protected-resource/mcp";
    for host in ["xn--bcher-kva.example", "XN--BCHER-KVA.example.", "b\u{fc}cher.example:443"] {
        let host = reqwest::header::HeaderValue::from_bytes(host.as_bytes()).unwrap();
        let request = gateway.http.get(format!("{}{path}", gateway.base)).header(HOST, &host);
        assert_eq!(answer(request).await.body["resource"], resource, "{host:?}");
        let request = gateway.http.get(format!("{}/verify", gateway.base));
        let request = request.header("X-Forwarded-Host", &host).header("X-Forwarded-Uri", "/mcp");
        let refused = answer(request).await;
        assert_eq!(refused.status, 401, "{host:?}");
        assert!(refused.header("www-authenticate").contains("xn--bcher-kva.example"));
    }
}

/// Only a proxy that is trusted says for which host a request came.
#[tokio::test]
async fn a2_a_forwarded_host_counts_from_a_trusted_proxy_alone() {
    let path = "/.well-known/oauth-protected-resource/mcp";
    let claim = [("Host", "time.gw.example"), ("X-Forwarded-Host", "git.gw.example")];
    for (trusted, resource) in [("127.0.0.0/8", "https://git.gw.example/mcp"), ("none", TIME)] {
        let gateway = Gateway::with(&[("TRUSTED_PROXIES", trusted)]);
        assert_eq!(get(&gateway, path, &claim).await.body["resource"], resource, "{trusted}");
        let sent = get(&gateway, AUTHORIZE, &claim).await;
        let parameters = query(&sent.header("location").parse().unwrap());
        assert_eq!(parameters["resource"], resource, "{trusted}");
    }
    let gateway = Gateway::start();
    for (name, value) in [
        ("Forwarded", "host=git.gw.example"),
        ("X-Forwarded-Host", "git.gw.example, time.gw.example"),
        ("X-Forwarded-Host", "git.gw.example/x"),
    ] {
        let headers = [("Host", "time.gw.example"), (name, value)];
        assert_eq!(get(&gateway, path, &headers).await.body["resource"], TIME, "{name}: {value}");
    }
}

/// RFC 8707: a resource with a dot at its end, with capitals or with a default port is the same one.
#[tokio::test]
async fn a2_every_spelling_of_a_resource_is_that_server() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for host in ["time.gw.example.", "Time.GW.example.:443", "time.gw.example:443"] {
        let resource = format!("https://{host}/mcp");
        let token = gateway.tokens(&app, "alice", &resource).await.text("access_token");
        assert_eq!(gateway.verify(TIME, &token).await.status, 200, "{host}");
    }
}

/// With one DNS name the login host is also that of the servers.
#[tokio::test]
async fn a2_one_host_for_everything_never_redirects() {
    let gateway = Gateway::with(&[("SERVER_URLS", "path")]);
    for host in spellings("gw.example") {
        let page = get(&gateway, AUTHORIZE, &[("Host", &host)]).await;
        assert_eq!((page.status, page.header("location")), (400, ""), "{host}");
        let path = "/.well-known/oauth-protected-resource/time/mcp";
        let document = get(&gateway, path, &[("Host", &host)]).await;
        assert_eq!(document.body["resource"], "https://gw.example/time/mcp", "{host}");
    }
}

/// A login through a proxy that names the port, from the server's own host to the code.
#[tokio::test]
async fn a2_a_login_works_whatever_the_proxy_calls_the_hosts() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (verifier, challenge) = pkce::pair();
    let mut url = app.authorize_url(&challenge, &[("resource", "")]);
    url.set_host(Some("time.gw.example")).unwrap();
    let mut browser = gateway.browser().reach("time.gw.example", &gateway.base);
    browser.set_header("X-Forwarded-Host", "time.gw.example:443");
    let sent = browser.get(&url).await;
    browser.set_header("X-Forwarded-Host", "AUTH.gw.example:443");
    let page = browser.get(&sent.next().unwrap()).await;
    assert_eq!(page.status, 200, "{page:?}");
    let done = browser.decide(&page, "local", &gateway.login_code("alice").await).await;
    let code = query(&browser.follow(done, crate::support::CALLBACK).await)["code"].clone();
    let token = gateway.redeem(&app, &code, &verifier).await.text("access_token");
    assert_eq!(gateway.verify(TIME, &token).await.status, 200);
}
