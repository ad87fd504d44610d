//! The state of servers, asked of proxies and of servers that answer as they like.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test stop at the first thing that is not as it should be"
)]

use std::{
    net::TcpListener,
    os::unix::net::UnixListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use auth_service::{
    config::Config,
    model::{Catalogue, Clock, McpServer, SystemClock},
    servers::ServersFile,
    upstream::{ServerHealth, ServerReport, ServerReports},
};
use serde_json::{Value, json};

/// The answers of a peer: from method and path to status and body.
type Answers = fn(&str, &str) -> (u16, String);

fn app(answers: Answers) -> impl Fn(HttpRequest) -> std::future::Ready<HttpResponse> + Clone {
    move |request: HttpRequest| {
        let (status, body) = answers(request.method().as_str(), request.path());
        let status = actix_web::http::StatusCode::from_u16(status).unwrap();
        std::future::ready(HttpResponse::build(status).content_type("application/json").body(body))
    }
}

/// Serves `answers` at a Unix socket; returns its address.
fn at_socket(directory: &tempfile::TempDir, name: &str, answers: Answers) -> String {
    let path = directory.path().join(name);
    let listener = UnixListener::bind(&path).unwrap();
    let server = HttpServer::new(move || App::new().default_service(web::to(app(answers))));
    actix_web::rt::spawn(server.workers(1).listen_uds(listener).unwrap().run());
    format!("{name}=unix:{}", path.display())
}

/// Serves `answers` at a port; returns its address.
fn at_port(name: &str, answers: Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = HttpServer::new(move || App::new().default_service(web::to(app(answers))));
    actix_web::rt::spawn(server.workers(1).listen(listener).unwrap().run());
    format!("{name}=http://{address}")
}

/// The clients of `proxies`, and the catalogue of `servers`.
fn reports(proxies: &[String], servers: &Value) -> (ServerReports, Catalogue) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("servers.json");
    std::fs::write(&file, json!({ "mcpServers": servers }).to_string()).unwrap();
    let settings = [
        ("BASE_DOMAIN", "gw.example"),
        ("REDIS_URL", "redis://127.0.0.1:1/0"),
        ("SIGNING_KEY_FILE", "key.pem"),
        ("MCP_SERVERS_FILE", file.to_str().unwrap()),
        ("PROXIES", &proxies.join(", ")),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::from_map(settings.into()).unwrap();
    let catalogue = ServersFile::new(&config).read().unwrap().catalogue();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    (ServerReports::new(&config.proxies, &clock), catalogue)
}

fn of<'a>(all: &'a [ServerReport], name: &str) -> &'a ServerReport {
    all.iter().find(|report| report.server == name).unwrap_or_else(|| panic!("no {name}"))
}

fn server<'a>(catalogue: &'a Catalogue, name: &str) -> &'a McpServer {
    catalogue.iter().find(|server| server.name.as_str() == name).unwrap()
}

fn of_time(method: &str, path: &str) -> (u16, String) {
    let report = json!({"state": "ok", "pids": [7], "sessions": 2, "name": "clock", "tools": 1,
        "check": {"at": 1_800_000_000, "outcome": "ok", "ms": 12}});
    match (method, path) {
        ("GET", "/servers") => (200, json!({"servers": {"time": report}}).to_string()),
        ("GET", "/servers/time/tools") => {
            (200, json!({"tools": [{"name": "now"}], "at": 1_800_000_000}).to_string())
        }
        ("POST", "/servers/time/check") => (200, report.to_string()),
        _ => (404, "{}".to_owned()),
    }
}

/// Says that it runs the servers of everybody.
fn liar(_: &str, path: &str) -> (u16, String) {
    let lie = json!({"state": "failing"});
    match path {
        "/servers" => (200, json!({"servers": {"time": lie, "notes": lie}}).to_string()),
        _ => (200, lie.to_string()),
    }
}

fn endless(_: &str, _: &str) -> (u16, String) {
    (200, format!("{{\"servers\":{{}},\"x\":\"{}\"}}", "x".repeat(9 << 20)))
}

fn text(_: &str, _: &str) -> (u16, String) {
    (200, "<html>".to_owned())
}

#[actix_web::test]
async fn each_server_is_reported_by_its_proxy() {
    let directory = tempfile::tempdir().unwrap();
    // The liar comes first.
    let proxies = [at_port("liar", liar), at_socket(&directory, "time", of_time)];
    let servers = json!({"time": {"command": "x"}, "notes": {"command": "x"}});
    let (reports, catalogue) = reports(&proxies, &servers);
    let all = reports.all(&catalogue).await;
    let time = of(&all, "time");
    assert_eq!((time.health, time.proxy.as_deref()), (ServerHealth::Ok, Some("time")));
    let mcp = time.mcp.as_ref().unwrap();
    assert_eq!((&mcp.process.pids[..], mcp.process.sessions, mcp.tools), (&[7][..], 2, Some(1)));
    // Of a server that no other proxy is named after, any proxy is believed.
    assert_eq!(of(&all, "notes").proxy.as_deref(), Some("liar"));
    let tools = reports.tools(server(&catalogue, "time")).await.unwrap();
    assert_eq!(tools.tools.unwrap()[0].name, "now");
    let checked = reports.check(server(&catalogue, "time")).await.unwrap();
    assert_eq!(checked.mcp.unwrap().check.unwrap().ms, 12);
}

#[actix_web::test]
async fn what_cannot_be_asked_is_not_known_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = format!("gone=unix:{}", directory.path().join("gone").display());
    let proxies = [nowhere, at_port("huge", endless), at_port("odd", text)];
    let servers = json!({"gone": {"command": "x"}, "huge": {"command": "x"}, "odd": {"command": "x"},
        "none": {"command": "x"}});
    let (reports, catalogue) = reports(&proxies, &servers);
    let all = reports.all(&catalogue).await;
    for (name, why) in [
        ("gone", "proxy gone (unix:"),
        ("huge", "more than 8388608 bytes"),
        ("odd", "cannot be read"),
        ("none", "proxy gone"),
    ] {
        let report = of(&all, name);
        assert_eq!(report.health, ServerHealth::Unknown, "{name}");
        let error = report.error.as_deref().unwrap();
        assert!(error.contains(why), "{name}: {error}");
    }
    assert!(reports.check(server(&catalogue, "gone")).await.is_err());
    let states = reports.proxies().await;
    assert!(states.iter().all(|proxy| proxy.error.is_some()), "{states:?}");
}

#[actix_web::test]
async fn a_server_without_a_proxy_is_told_from_one_whose_proxy_is_away() {
    let (reports, catalogue) = reports(&[], &json!({"time": {"command": "x"}}));
    let all = reports.all(&catalogue).await;
    assert_eq!(of(&all, "time").error.as_deref(), Some("no proxy in PROXIES runs it"));
}

/// Sessions that were opened at the native server and not ended.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// A server of Streamable HTTP that answers on streams and has two pages of tools.
async fn native(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    assert!(!request.headers().contains_key("authorization"));
    if request.method() == "DELETE" {
        OPEN.fetch_sub(1, Ordering::Relaxed);
        return HttpResponse::NoContent().finish();
    }
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return HttpResponse::MethodNotAllowed().finish();
    };
    let session = request.headers().get("mcp-session-id").and_then(|id| id.to_str().ok());
    let result = match message["method"].as_str().unwrap() {
        "initialize" => {
            OPEN.fetch_add(1, Ordering::Relaxed);
            json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                "serverInfo": {"name": "native", "version": "3"}})
        }
        _ if session != Some("s-1") => return HttpResponse::BadRequest().finish(),
        "tools/list" if message["params"]["cursor"] == "2" => json!({"tools": [{"name": "b"}]}),
        "tools/list" => json!({"tools": [{"name": "a", "title": "A"}], "nextCursor": "2"}),
        _ => return HttpResponse::Accepted().finish(),
    };
    let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
    HttpResponse::Ok()
        .insert_header(("mcp-session-id", "s-1"))
        .content_type("text/event-stream")
        .body(format!(": a comment\n\nevent: message\ndata: {answer}\n\n"))
}

#[actix_web::test]
async fn a_server_that_speaks_http_is_asked_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let http = HttpServer::new(|| App::new().default_service(web::to(native)));
    actix_web::rt::spawn(http.workers(1).listen(listener).unwrap().run());
    let servers = json!({"native": {"url": url}, "away": {"url": "http://127.0.0.1:1/mcp"}});
    let (reports, catalogue) = reports(&[], &servers);
    let all = reports.all(&catalogue).await;
    let reach = of(&all, "native").http.clone().unwrap();
    assert_eq!((of(&all, "native").health, reach.status), (ServerHealth::Ok, Some(405)));
    assert_eq!(of(&all, "native").mcp, None, "it is checked on demand alone");
    assert_eq!(of(&all, "away").health, ServerHealth::Failing);

    let checked = reports.check(server(&catalogue, "native")).await.unwrap();
    let mcp = checked.mcp.unwrap();
    assert_eq!(
        (mcp.name.as_deref(), mcp.protocol.as_deref()),
        (Some("native"), Some("2025-06-18"))
    );
    assert_eq!(mcp.tools, Some(2));
    assert_eq!(OPEN.load(Ordering::Relaxed), 0, "the session is ended");
    let tools = reports.tools(server(&catalogue, "native")).await.unwrap();
    let names: Vec<String> = tools.tools.unwrap().into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["a", "b"]);

    let checked = reports.check(server(&catalogue, "away")).await.unwrap();
    assert_eq!(checked.health, ServerHealth::Failing);
    assert!(checked.mcp.unwrap().check.unwrap().error.unwrap().contains("does not answer"));
}
