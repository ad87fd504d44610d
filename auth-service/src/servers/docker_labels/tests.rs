//! Tests of the label parser, with labels as operators write them.

use super::*;
use crate::{
    config::Config,
    model::{Enforcer, Person},
};

fn site(settings: &[(&str, &str)]) -> Site {
    let base = [
        ("BASE_DOMAIN", "gw.example"),
        ("REDIS_URL", "redis://127.0.0.1/0"),
        ("SIGNING_KEY_FILE", "key.pem"),
    ];
    let all = base.iter().chain(settings);
    let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Site::new(&Config::from_map(all.collect()).unwrap())
}

fn at(site: &Site, labels: &[(&str, &str)]) -> Option<Result<McpServer, String>> {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    read(&labels.collect(), "box", site)
}

fn good(labels: &[(&str, &str)]) -> McpServer {
    at(&site(&[]), labels).unwrap().unwrap()
}

fn wrong(labels: &[(&str, &str)]) -> String {
    let all: Vec<_> = [("mcp.enable", "true")].iter().chain(labels).copied().collect();
    at(&site(&[]), &all).unwrap().unwrap_err()
}

#[test]
fn a_container_is_a_server_if_it_says_so() {
    let site = site(&[]);
    assert!(at(&site, &[]).is_none());
    assert!(at(&site, &[("traefik.enable", "true"), ("mcpx", "1")]).is_none());
    assert!(at(&site, &[("mcp.enable", "false"), ("mcp.alow", "x")]).is_none());
    let unsaid = at(&site, &[("mcp.title", "Time")]).unwrap().unwrap_err();
    assert_eq!(unsaid, "mcp.title is set without mcp.enable=true");
    assert!(at(&site, &[("mcp.enable", "yes")]).unwrap().is_err());
}

#[test]
fn the_name_is_that_of_the_service_or_the_container() {
    let name = |labels: &[(&str, &str)]| good(labels).name.as_str().to_owned();
    let enable = ("mcp.enable", "TRUE");
    assert_eq!(name(&[enable]), "box");
    assert_eq!(name(&[enable, (COMPOSE_SERVICE, "time")]), "time");
    assert_eq!(name(&[enable, (COMPOSE_SERVICE, "my_time"), ("mcp.name", "time")]), "time");
    assert!(wrong(&[(COMPOSE_SERVICE, "my_time")]).contains("set mcp.name"));
}

#[test]
fn the_resource_is_stated_or_follows_from_traefiks_rule() {
    let enable = ("mcp.enable", "true");
    let url = |labels: &[(&str, &str)]| good(labels).resource.to_string();
    assert_eq!(url(&[enable]), "https://box.gw.example/mcp");
    let rule = ("traefik.http.routers.x.rule", "Host(`clock.example.org`) && PathPrefix(`/mcp`)");
    assert_eq!(url(&[enable, rule]), "https://clock.example.org/mcp");
    let stated = ("mcp.resource", "https://other.example/mcp");
    assert_eq!(url(&[enable, rule, stated]), "https://other.example/mcp");
    let again = ("Traefik.HTTP.routers.y.Rule", "Host(`clock.example.org`)");
    assert_eq!(url(&[enable, rule, again]), "https://clock.example.org/mcp");
    let second = ("traefik.http.routers.y.rule", "Host(`b.example`)");
    let problem = wrong(&[rule, second]);
    assert!(problem.contains("b.example, clock.example.org: set mcp.resource"), "{problem}");
    let none = ("traefik.http.routers.x.rule", "HostRegexp(`.*`)");
    assert!(wrong(&[none]).contains("name no host"));
    assert!(wrong(&[("traefik.http.routers.x.rule", "Host(")]).contains("router x cannot be read"));
    assert!(wrong(&[("mcp.resource", "http://a.example/mcp")]).contains("must use https"));
    assert!(wrong(&[("mcp.resource", "https://auth.gw.example/token")]).contains("itself"));
}

#[test]
fn with_one_dns_name_the_path_has_the_name() {
    let site = site(&[("SERVER_URLS", "path"), ("PUBLIC_PORT", "8443")]);
    let enable = ("mcp.enable", "true");
    let url = |labels: &[(&str, &str)]| at(&site, labels).unwrap().map(|s| s.resource.to_string());
    assert_eq!(url(&[enable]).unwrap(), "https://gw.example:8443/box/mcp");
    let rule = ("traefik.http.routers.x.rule", "Host(`gw.example`) && PathPrefix(`/box`)");
    assert_eq!(url(&[enable, rule]).unwrap(), "https://gw.example:8443/box/mcp");
    assert!(url(&[enable, ("mcp.name", "token")]).unwrap_err().contains("itself"));
}

#[test]
fn labels_mean_what_the_keys_of_the_file_mean() {
    let server = good(&[
        ("mcp.enable", "true"),
        ("mcp.title", "Files"),
        ("mcp.allow", "alice, github:7"),
        ("mcp.scopes", "files:read, mcp"),
        ("mcp.scopeDetails", r#"{"files:write": {"includes": ["files:read"]}}"#),
        ("mcp.tools", "write_*=files:write delete=files:admin"),
        ("mcp.checksHeaders", "true"),
    ]);
    assert_eq!(server.title, "Files");
    assert_eq!(server.scopes.basic.to_string(), "files:read mcp");
    assert_eq!(server.scopes.of_tool("write_file").to_string(), "files:write");
    assert_eq!(server.scopes.known().to_string(), "files:admin files:read files:write mcp");
    assert_eq!(server.enforcer, Enforcer::Verify);
    let may = |subject, name| server.admits(Person { subject, name });
    assert!(may("local:1", "ALICE") && may("github:7", "x") && !may("github:8", "bob"));
    let as_json = good(&[
        ("mcp.enable", "true"),
        ("mcp.tools", r#"{"scopes": {"write_*": "w"}}"#),
        ("mcp.checksheaders", "true"),
    ]);
    assert_eq!(as_json.scopes.of_tool("write_x").to_string(), "w");
}

#[test]
fn what_would_not_hold_is_refused() {
    for (key, value, part) in [
        ("mcp.alow", "alice", "mcp.alow: unknown label"),
        ("mcp.allow", " , ", "admits nobody"),
        ("mcp.scopes", "a\"b", "scopes"),
        ("mcp.tools", "write_*", "is not pattern=scope"),
        ("mcp.tools", r#"["only_this"]"#, "mcp.tools"),
        ("mcp.tools", r#"{"allow": ["x"]}"#, "only scopes"),
        ("mcp.tools", "write_*=w", "checksHeaders"),
        ("mcp.checksheaders", "perhaps", "mcp.checksheaders"),
        ("mcp.scopedetails", "{", "mcp.scopedetails"),
    ] {
        let problem = wrong(&[(key, value)]);
        assert!(problem.contains(part), "{key}: {problem}");
    }
}
