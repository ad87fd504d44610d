//! Images with labels that take routes: Traefik and the catalogue obey those of operators only.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    catalogue::{Watched, socket},
    engine::{Engine, docker},
    socket_proxy::SocketProxy,
    traefik::{DockerProxy, Traefik},
};

/// The labels of an evil image; `tag` is for names that no other test has.
fn evil(tag: &str) -> Vec<(String, String)> {
    let router = |name: &str, option: &str| format!("traefik.http.routers.{tag}-{name}.{option}");
    [
        ("traefik.enable".to_owned(), "true"),
        (router("login", "rule"), "Host(`auth.gw.example`) && PathPrefix(`/authorize`)"),
        (router("login", "priority"), "100000"),
        (router("keys", "rule"), "Path(`/jwks`)"),
        (router("keys", "entrypoints"), "inside"),
        (router("api", "rule"), "PathPrefix(`/api`)"),
        (router("api", "service"), "api@internal"),
        ("mcp.enable".to_owned(), "true"),
        ("mcp.name".to_owned(), "evil"),
    ]
    .map(|(key, value)| (key, value.to_owned()))
    .to_vec()
}

fn borrowed(labels: &[(String, String)]) -> Vec<(&str, &str)> {
    labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn s3_no_route_comes_from_an_image() {
    let engine = Engine::new("s3-route");
    let tag = engine.name("r");
    let labels = evil(&tag);
    let image = engine.image("evil", &borrowed(&labels));
    let rule = format!("traefik.http.routers.{tag}-own.rule");
    let port = format!("traefik.http.services.{tag}-own.loadbalancer.server.port");
    let login = format!("traefik.http.routers.{tag}-login.rule");
    engine.run_image("alone", &image, &[]);
    engine.run_image(
        "operated",
        &image,
        &[
            ("traefik.enable", "True"),
            (&rule, "Host(`own.gw.example`)"),
            (&port, "3000"),
            // A value of the operator's own, under a key of the image.
            (&login, "Host(`elsewhere.gw.example`)"),
        ],
    );

    // Without the proxy the image takes its routes: it is evil, indeed.
    let exposed = Traefik::start(&socket());
    exposed.expect(&format!("{tag}-keys")).await;

    let proxy = DockerProxy::start().await;
    let traefik = Traefik::start(&proxy.endpoint());
    let own = traefik.expect(&format!("{tag}-own")).await;
    assert_eq!(own["rule"], "Host(`own.gw.example`)");
    assert_eq!(own["entryPoints"], serde_json::json!(["websecure"]));
    let of_image = |router: &Value| {
        let text = router.to_string();
        text.contains(&tag) || text.contains("auth.gw.example") || text.contains("@internal")
    };
    let names = |routers: Vec<Value>| {
        let name = |router: &Value| router["name"].as_str().unwrap().to_owned();
        let mut names: Vec<String> = routers.iter().map(name).collect();
        names.sort();
        names
    };
    let expected = [format!("{tag}-login@docker"), format!("{tag}-own@docker")];
    assert_eq!(names(traefik.routers(of_image).await), expected);
    let login = traefik.expect(&format!("{tag}-login")).await;
    assert_eq!(login["rule"], "Host(`elsewhere.gw.example`)");

    // What starts and ends is followed by events.
    engine.run_image("later", &image, &[]);
    engine.remove("operated");
    let since = Instant::now();
    while !traefik.routers(of_image).await.is_empty() {
        assert!(since.elapsed() < Duration::from_secs(30), "it stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn s3_no_environment_is_told() {
    let engine = Engine::new("s3-env");
    let tag = engine.name("r");
    let image = engine.image("evil", &borrowed(&evil(&tag)));
    engine.run_image("one", &image, &[("own", "1")]);
    let proxy = DockerProxy::start().await;
    let list = proxy.get("/containers/json?all=1").await;
    let name = format!("/{}", engine.name("one"));
    let of = |it: &&Value| it["Names"][0] == *name;
    let listed = list.as_array().unwrap().iter().find(of).unwrap().clone();
    let one = proxy.get(&format!("/containers/{}/json", listed["Id"].as_str().unwrap())).await;
    assert_eq!(one["Config"]["Env"], serde_json::json!([]));
    for labels in [&listed["Labels"], &one["Config"]["Labels"]] {
        assert_eq!(labels["own"], "1");
        assert!(labels.get("mcp.enable").is_none() && labels.get("traefik.enable").is_none());
    }
    for text in [listed.to_string(), one.to_string()] {
        assert!(!text.contains("secret") && !text.contains("sleep"), "{text}");
    }
}

/// Through the proxy, and where the catalogue itself reads the labels of images.
#[tokio::test]
async fn s3_no_server_comes_from_an_image() {
    let engine = Engine::new("s3-server");
    let tag = engine.name("r");
    let image = engine.image("evil", &borrowed(&evil(&tag)));
    let (own, later) = (engine.name("own"), engine.name("later"));
    engine.run_image("alone", &image, &[]);
    engine.run_image("own", &image, &[("mcp.enable", "True")]);
    let (proxy, foreign) = (DockerProxy::start().await, SocketProxy::start());
    for endpoint in [proxy.endpoint(), foreign.endpoint.clone(), socket()] {
        let watched = Watched::start(&endpoint, None).await;
        assert!(watched.url(&own).is_some(), "{endpoint}");
        assert_eq!(watched.url("evil"), None, "{endpoint}");
        engine.run_image("later", &image, &[("mcp.enable", "True")]);
        watched.expect(&later, Some(&format!("https://{later}.gw.example/mcp"))).await;
        assert_eq!(watched.url("evil"), None, "{endpoint}");
        engine.remove("later");
        watched.expect(&later, None).await;
    }
    assert_eq!(foreign.refused(), Vec::<String>::new());
}

/// The name of an image may come to mean another; its containers keep the image that they were made of.
#[tokio::test]
async fn s3_an_image_may_be_replaced_under_its_name() {
    let engine = Engine::new("s3-replaced");
    let name = |short: &str| engine.name(short);
    let proxy = DockerProxy::start().await;
    let watched = Watched::start(&proxy.endpoint(), None).await;
    let image = engine.image("x", &[("mcp.enable", "true"), ("mcp.name", "evil")]);
    engine.run_image("before", &image, &[("mcp.title", "Before")]);
    assert_eq!(engine.image("x", &[("mcp.name", "worse")]), image);
    engine.run_image("after", &image, &[("mcp.enable", "true")]);
    let after = format!("https://{}.gw.example/mcp", name("after"));
    watched.expect(&name("after"), Some(&after)).await;
    for absent in ["evil", "worse", &name("before")] {
        assert_eq!(watched.url(absent), None, "{absent}");
    }
    // The same container made again, of the new image.
    engine.remove("before");
    engine.run_image("before", &image, &[("mcp.enable", "true")]);
    let before = format!("https://{}.gw.example/mcp", name("before"));
    watched.expect(&name("before"), Some(&before)).await;
    assert_eq!(watched.url("worse"), None);
}

/// The real `docker image inspect`, by the script that adds servers.
#[test]
fn s3_add_server_refuses_an_image_with_such_labels() {
    let engine = Engine::new("s3-add");
    let evil = engine.image("evil", &borrowed(&evil(&engine.name("r"))));
    let plain = engine.image("plain", &[("org.opencontainers.image.title", "traefik.enable")]);
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
    assert!(
        Command::new("cp").arg("-R").args([&scripts, &at("scripts")]).status().unwrap().success()
    );
    std::fs::write(at(".env"), "BASE_DOMAIN=gw.example\n").unwrap();
    std::fs::write(at("docker-compose.yml"), "services: {}\n").unwrap();
    let add = |image: &str| {
        let mut script = Command::new(at("scripts/add-server"));
        script.args(["search", "--no-start", "--native", image]).current_dir(directory.path());
        script.output().unwrap()
    };
    let refused = add(&evil);
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && error.contains("\"mcp.enable\"=\"true\""), "{error}");
    assert!(!at("servers/search.yml").exists());
    assert!(!docker(&["image", "ls", "--quiet", &plain]).is_empty());
    let added = add(&plain);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    assert!(at("servers/search.yml").exists());
}
