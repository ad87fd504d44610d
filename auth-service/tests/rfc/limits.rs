//! How often is too often: 429 with `Retry-After`, in the form of RFC 6749 §5.2 or on a page.

use auth_service::oauth::Endpoint;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, App, CALLBACK, Gateway, TIME, answer};

/// A request whose `X-Forwarded-For` is `from`.
async fn send(gateway: &Gateway, method: Method, path: &str, from: &str) -> Answer {
    let request = gateway.http.request(method, format!("{}{path}", gateway.base));
    answer(request.header("X-Forwarded-For", from).header("Host", "auth.gw.example")).await
}

async fn revoke(gateway: &Gateway, from: &str) -> Answer {
    send(gateway, Method::POST, "/revoke", from).await
}

async fn refresh(gateway: &Gateway, app: &App, tokens: &Answer) -> Answer {
    gateway.refresh(app, &tokens.text("refresh_token")).await
}

/// One bound for all endpoints that cost something, an end that `Retry-After` names, and nobody
/// else is touched.
#[tokio::test]
async fn an_address_is_bounded_until_the_minute_ends() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "5")]);
    gateway.clock.advance(13);
    let from = "203.0.113.7";
    for path in ["/token", "/revoke", "/introspect", "/register", "/device_authorization"] {
        let answer = send(&gateway, Method::POST, path, from).await;
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
    }
    for path in ["/token", "/revoke", "/introspect", "/register", "/device_authorization"] {
        let answer = send(&gateway, Method::POST, path, from).await;
        assert_eq!(answer.error(), (429, "temporarily_unavailable"), "{path}");
        assert_eq!(answer.header("retry-after"), "47", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.text("error_description").contains("too many requests"));
    }
    let page = send(&gateway, Method::GET, "/authorize", from).await;
    assert_eq!((page.status, page.header("retry-after")), (429, "47"));
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.body.as_str().unwrap().contains("Too many requests"));
    assert_eq!(send(&gateway, Method::GET, "/authorize", "203.0.113.8").await.status, 400);
    gateway.clock.advance(46);
    assert_eq!(revoke(&gateway, from).await.header("retry-after"), "1");
    gateway.clock.advance(1);
    assert_eq!(revoke(&gateway, from).await.status, 400, "a new minute");
}

/// What every client and every request reads is never bounded.
#[tokio::test]
async fn documents_and_verification_are_free() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "1")]);
    gateway.await_ready().await;
    let from = "203.0.113.7";
    assert_eq!(revoke(&gateway, from).await.status, 400);
    assert_eq!(revoke(&gateway, from).await.status, 429);
    for _ in 0..3 {
        for path in ["/.well-known/oauth-authorization-server", "/jwks", "/health", "/ready"] {
            assert_eq!(send(&gateway, Method::GET, path, from).await.status, 200, "{path}");
        }
        assert_eq!(gateway.verify(TIME, "x").await.status, 401);
    }
}

/// RFC 8628 §5.1: a code that people type is short, so few of them can be tried.
#[tokio::test]
async fn s11_user_codes_cannot_be_tried_at_will() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "600")]);
    let mut statuses = Vec::new();
    for n in 0..61 {
        let path = format!("/device?user_code=BCDF-{n:04}");
        statuses.push(send(&gateway, Method::GET, &path, "203.0.113.7").await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 60);
    assert_eq!(statuses.last(), Some(&429));
    let other = send(&gateway, Method::GET, "/device", "203.0.113.8").await;
    assert_eq!(other.status, 200);
    assert_eq!(revoke(&gateway, "203.0.113.7").await.status, 400, "only that page");
}

/// Another spelling of a path is not another budget.
#[tokio::test]
async fn a_path_is_counted_however_it_is_spelt() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "1")]);
    assert_eq!(revoke(&gateway, "203.0.113.7").await.status, 400);
    for path in ["/revok%65", "/%72evoke", "/revoke?x"] {
        let answer = send(&gateway, Method::POST, path, "203.0.113.7").await;
        assert!(matches!(answer.status, 404 | 429), "{path}: {}", answer.status);
    }
}

/// authentik CVE-2023-36456: the address is the last one that a proxy of ours saw; what a client
/// wrote itself, to the left of it, counts for nothing.
#[tokio::test]
async fn a_client_cannot_choose_its_address() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "1")]);
    assert_eq!(revoke(&gateway, "203.0.113.7").await.status, 400);
    for spoofed in [
        "198.51.100.1, 203.0.113.7",
        "10.0.0.1, 203.0.113.7",
        "203.0.113.7, 10.0.0.2, 192.168.1.1",
        "nonsense, 203.0.113.7",
        "[::ffff:203.0.113.7]:4711",
    ] {
        assert_eq!(revoke(&gateway, spoofed).await.status, 429, "{spoofed}");
    }
    let request = gateway.http.post(format!("{}/revoke", gateway.base));
    let two =
        request.header("X-Forwarded-For", "198.51.100.9").header("X-Forwarded-For", "203.0.113.7");
    assert_eq!(answer(two).await.status, 429, "two lines are one list");
    assert_eq!(revoke(&gateway, "203.0.113.8").await.status, 400);

    // Who is no proxy of ours is believed nothing: here not even loopback is.
    let settings = [("RATE_LIMIT_ADDRESS", "1"), ("TRUSTED_PROXIES", "10.0.0.0/8")];
    let direct = Gateway::with(&settings);
    assert_eq!(revoke(&direct, "198.51.100.1").await.status, 400);
    assert_eq!(revoke(&direct, "198.51.100.2").await.status, 429);
}

/// Behind a tunnel, a CDN or the proxy of a NAS, each client has a budget of its own, and none can name another's.
#[tokio::test]
async fn a8_what_stands_in_front_is_nobodys_address() {
    let front = ("FRONT_PROXIES", "198.51.100.0/24, 192.168.1.10");
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "1"), front]);
    for client in ["203.0.113.7", "203.0.113.8", "192.168.1.5", "192.168.1.6"] {
        for chain in ["198.51.100.9", "192.168.1.10", "198.51.100.9, 198.51.100.10, 192.168.1.10"] {
            let forwarded = format!("{client}, {chain}");
            let first = chain == "198.51.100.9";
            let status = revoke(&gateway, &forwarded).await.status;
            assert_eq!(status, if first { 400 } else { 429 }, "{forwarded}");
        }
        let spoofed = format!("203.0.113.99, {client}, 198.51.100.9");
        assert_eq!(revoke(&gateway, &spoofed).await.status, 429, "{spoofed}");
    }
    // A hop that nobody listed is a client, also one of a private network.
    assert_eq!(revoke(&gateway, "203.0.113.9, 203.0.113.7, 192.168.1.10").await.status, 429);
    assert_eq!(revoke(&gateway, "203.0.113.9, 192.168.1.5, 192.168.1.10").await.status, 429);
    assert_eq!(revoke(&gateway, "198.51.100.9").await.status, 400);
}

/// Machines of a private network have addresses of their own.
#[tokio::test]
async fn private_addresses_are_told_apart() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "1")]);
    assert_eq!(revoke(&gateway, "192.168.1.5").await.status, 400);
    assert_eq!(revoke(&gateway, "192.168.1.6").await.status, 400);
    assert_eq!(revoke(&gateway, "192.168.1.5").await.status, 429);
    assert_eq!(revoke(&gateway, "192.168.1.99, 192.168.1.5").await.status, 429, "its own word");
}

/// Who has one IPv6 address has 2^64 of them.
#[tokio::test]
async fn ipv6_counts_by_64_bits() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "1")]);
    assert_eq!(revoke(&gateway, "2001:db8:0:1::1").await.status, 400);
    assert_eq!(revoke(&gateway, "2001:db8:0:1:ffff::2").await.status, 429);
    assert_eq!(revoke(&gateway, "2001:db8:0:2::1").await.status, 400);
}

/// jagduvi1/Cellarion#785: Claude calls for everybody from a few addresses. No bound on an address
/// holds for them; those on a client do.
#[tokio::test]
async fn shared_addresses_of_known_clients_are_not_bounded() {
    let settings = [("RATE_LIMIT_ADDRESS", "1"), ("RATE_LIMIT_REGISTER", "1")];
    let gateway = Gateway::with(&settings);
    for _ in 0..3 {
        assert_eq!(revoke(&gateway, "160.79.106.35").await.status, 400);
        let answer = send(&gateway, Method::POST, "/register", "160.79.104.1").await;
        assert_eq!(answer.status, 400);
    }
    assert_eq!(revoke(&gateway, "160.79.112.1").await.status, 400);
    assert_eq!(revoke(&gateway, "160.79.112.1").await.status, 429);
    let none = Gateway::with(&[("RATE_LIMIT_ADDRESS", "1"), ("KNOWN_EGRESS", "none")]);
    assert_eq!(revoke(&none, "160.79.106.35").await.status, 400);
    assert_eq!(revoke(&none, "160.79.106.35").await.status, 429);
}

/// Registrations have a tighter bound over ten minutes, and leave the other endpoints alone.
#[tokio::test]
async fn registrations_have_a_bound_of_their_own() {
    let gateway = Gateway::with(&[("RATE_LIMIT_REGISTER", "2")]);
    let metadata = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    assert_eq!(gateway.register(metadata.clone()).await.status, 201);
    assert_eq!(gateway.register(metadata.clone()).await.status, 201);
    gateway.clock.advance(60);
    let refused = gateway.register(metadata.clone()).await;
    assert_eq!(refused.error(), (429, "temporarily_unavailable"));
    assert_eq!(refused.header("retry-after"), "540");
    assert_eq!(revoke(&gateway, "127.0.0.1").await.status, 400);
    gateway.clock.advance(540);
    assert_eq!(gateway.register(metadata).await.status, 201);
}

/// withings-mcp#37: a budget for each grant type, client and person. A loop of refreshes keeps
/// nobody from logging in, and nobody else from refreshing.
#[tokio::test]
async fn one_budget_starves_no_other() {
    let gateway = Gateway::with(&[("RATE_LIMIT_CLIENT", "3")]);
    let app = gateway.app().await;
    let bob = gateway.tokens(&app, "bob", TIME).await;
    let mut alice = gateway.tokens(&app, "alice", TIME).await;
    for _ in 0..3 {
        alice = refresh(&gateway, &app, &alice).await;
        assert_eq!(alice.status, 200);
    }
    let refused = refresh(&gateway, &app, &alice).await;
    assert_eq!(refused.error(), (429, "temporarily_unavailable"));
    assert!((1..=60).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    assert_eq!(refresh(&gateway, &app, &bob).await.status, 200, "another person");
    let again = gateway.tokens(&app, "alice", TIME).await;
    assert_eq!(again.status, 200, "another grant type");
    let other = gateway.app().await;
    let elsewhere = gateway.tokens(&other, "alice", TIME).await;
    assert_eq!(refresh(&gateway, &other, &elsewhere).await.status, 200, "another client");
    assert_eq!(refresh(&gateway, &app, &again).await.status, 429);
    gateway.clock.advance(60);
    // A refusal spends no token.
    assert_eq!(refresh(&gateway, &app, &alice).await.status, 200);
}

/// Anybody can name a public client: guesses use up nobody's budget.
#[tokio::test]
async fn guesses_do_not_lock_a_client_out() {
    let gateway = Gateway::with(&[("RATE_LIMIT_CLIENT", "2")]);
    let app = gateway.app().await;
    let (there, verifier) = gateway.consent(&app, "alice", &[]).await;
    for _ in 0..5 {
        assert_eq!(gateway.refresh(&app, "guess").await.error(), (400, "invalid_grant"));
        let guess = gateway.redeem(&app, "guess", &verifier).await;
        assert_eq!(guess.error(), (400, "invalid_grant"));
    }
    let tokens = gateway.redeem(&app, &there["code"], &verifier).await;
    assert_eq!(tokens.status, 200);
    assert_eq!(refresh(&gateway, &app, &tokens).await.status, 200);
}

/// A client that acts for itself has one budget, and a wrong secret does not use it up.
#[tokio::test]
async fn a_client_for_itself_is_bounded() {
    let gateway = Gateway::with(&[("RATE_LIMIT_CLIENT", "2")]);
    let options = ["--grant", "client-credentials", "--server", "time", "--auth", "post", "--json"];
    let made = gateway.cli_json(&[&["client", "create", "--name", "X"][..], &options].concat());
    let ask = async |secret: &str| {
        let id = made["client_id"].as_str().unwrap();
        let form =
            [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        gateway.post("/token", &form).await.status
    };
    let secret = made["client_secret"].as_str().unwrap();
    for _ in 0..4 {
        assert_eq!(ask("wrong").await, 401);
    }
    assert_eq!([ask(secret).await, ask(secret).await, ask(secret).await], [200, 200, 429]);
}

/// Counters are shared by all instances, since they are in Redis; they end by themselves, and take
/// the same space however many addresses there are.
#[tokio::test]
async fn counters_are_in_redis_and_end() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "9"), ("RATE_LIMIT_REGISTER", "9")]);
    let mut sizes = Vec::new();
    for addresses in [1_u32, 300] {
        for n in 0..addresses {
            let from = std::net::Ipv4Addr::from_bits(0xC612_0000 + n).to_string();
            send(&gateway, Method::POST, "/register", &from).await;
        }
        let keys = gateway.redis.cli(&["KEYS", "mcpgw:limit:*"]);
        let mut keys: Vec<&str> = keys.lines().collect();
        keys.sort_unstable();
        assert_eq!(keys, ["mcpgw:limit:address:30000000", "mcpgw:limit:register:3000000"]);
        for (key, life) in keys.iter().zip([120, 1200]) {
            let ttl: i64 = gateway.redis.cli(&["TTL", key]).trim().parse().unwrap();
            assert!((life - 60..=life).contains(&ttl), "{key} {ttl}");
            let size: usize = gateway.redis.cli(&["STRLEN", key]).trim().parse().unwrap();
            sizes.push(size);
        }
    }
    assert!(sizes.iter().all(|size| *size <= 512 * 1024), "{sizes:?}");
    let other = gateway.instance();
    let from = "203.0.113.7".parse().unwrap();
    for _ in 0..9 {
        other.core.within_address_limits(from, Endpoint::Revoke).await.unwrap();
    }
    assert_eq!(revoke(&gateway, "203.0.113.7").await.status, 429, "counted elsewhere");
}

/// Without its storage nothing is let through uncounted.
#[tokio::test]
async fn without_redis_the_bound_is_closed() {
    let mut gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "600")]);
    gateway.redis.kill();
    let refused = revoke(&gateway, "203.0.113.7").await;
    assert_eq!(refused.error(), (503, "temporarily_unavailable"));
    let page = send(&gateway, Method::GET, "/authorize", "203.0.113.7").await;
    assert_eq!((page.status, page.header("retry-after")), (503, "2"));
}
