//! Tests of the claims in operators' labels.

use super::*;
use crate::config::Config;

fn site(settings: &[(&str, &str)]) -> Site {
    let base = [
        ("BASE_DOMAIN", "gw.example"),
        ("PUBLIC_PORT", "8443"),
        ("REDIS_URL", "redis://127.0.0.1/0"),
        ("SIGNING_KEY_FILE", "key.pem"),
    ];
    let all = base.iter().chain(settings);
    let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Site::new(&Config::from_map(all.collect()).unwrap())
}

/// Returns the claims of containers, each given as `(name, labels)`.
fn claims(site: &Site, containers: &[(&str, &[(&str, &str)])]) -> Vec<String> {
    let (mut claims, mut listing) = (LabelClaims::new(site), Listing::default());
    for (name, labels) in containers {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let source = Source::Container((*name).to_owned());
        claims.add(&labels.collect(), &source, None, &mut listing);
    }
    listing.claims.iter().map(ToString::to_string).collect()
}

const ENABLE: (&str, &str) = ("traefik.enable", "True");

#[test]
fn s3_what_belongs_to_the_gateway_is_a_claim() {
    let site = site(&[]);
    let of = |key: &str, value: &str| claims(&site, &[("box", &[ENABLE, (key, value)])]);
    let rule = "traefik.http.routers.x.rule";
    for (key, value, part) in [
        (rule, "Host(`auth.gw.example`)", "router x claims the login host auth.gw.example"),
        (rule, "Host(`AUTH.gw.example`) && Path(`/authorize`)", "claims the login host"),
        (rule, "PathPrefix(`/authorize`)", "claims the login host"),
        (rule, "HostRegexp(`^.+$`)", "claims the login host"),
        ("traefik.tcp.routers.x.rule", "HostSNI(`*`)", "claims the login host"),
        ("com.docker.compose.service", "auth", "router by default claims the login host"),
        ("mcp.name", "auth", "router by default claims the login host"),
        ("traefik.http.routers.x.entrypoints", "websecure, inside", "inner entry point inside"),
        ("traefik.http.routers.x.EntryPoints[0]", "Traefik", "inner entry point Traefik"),
        ("traefik.http.routers.x.service", "api@internal", "publishes api@internal"),
        ("traefik.http.services.y.weighted.services[0].name", "rest@internal", "rest@internal"),
        ("traefik.http.routers.x.service", "auth@file", "publishes auth@file"),
    ] {
        let found = of(key, value);
        assert!(found.iter().any(|claim| claim.contains(part)), "{key}={value}: {found:?}");
    }
    for (key, value) in [
        (rule, "Host(`notes.gw.example`)"),
        ("traefik.http.routers.x.entrypoints", "websecure"),
        ("traefik.http.routers.x.middlewares", "mcp@file"),
        ("com.docker.compose.service", "notes"),
    ] {
        assert_eq!(of(key, value), Vec::<String>::new(), "{key}={value}");
    }
    let off = [("traefik.enable", "false"), (rule, "Host(`auth.gw.example`)")];
    assert!(claims(&site, &[("box", &off)]).is_empty());
}

#[test]
fn s3_with_one_name_the_paths_of_the_login_are_a_claim() {
    let site = site(&[("SERVER_URLS", "path")]);
    let of = |rule: &str| {
        let rule = ("traefik.http.routers.x.rule", rule);
        claims(&site, &[("box", &[ENABLE, rule])]).len()
    };
    assert_eq!(of("Host(`gw.example`) && PathPrefix(`/time/`)"), 0);
    assert_eq!(of("Host(`gw.example`) && PathPrefix(`/token`)"), 1);
    assert_eq!(of("Host(`gw.example`)"), 1);
}

#[test]
fn s3_a_name_that_another_container_has_is_a_claim() {
    let site = site(&[]);
    let service = |value| ("traefik.http.services.time.loadbalancer.server.port", value);
    let of_time = ("com.docker.compose.service", "time");
    let time = [ENABLE, of_time, service("3000")];
    let thief = [ENABLE, ("com.docker.compose.service", "thief"), service("80")];
    assert!(claims(&site, &[("time-1", &time), ("time-2", &time)]).is_empty());
    assert_eq!(
        claims(&site, &[("time-1", &time), ("thief-1", &thief)]),
        ["container thief-1: traefik.http.services.time is already defined by container time-1"]
    );
}
