//! A stand-in for the language models behind the programs. It speaks the four APIs that they know. It calls the
//! one tool of these tests if the program offers it, and then repeats what the tool answered.

mod anthropic;
mod chat;
mod gemini;
mod responses;

use std::{
    net::{Ipv4Addr, TcpListener},
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    web::{self, get},
};
use serde_json::{Value, json};

/// The tool that the model calls.
pub(crate) const TOOL: &str = "get_current_time";

/// The time that the model thinks before it calls the tool.
const THOUGHT: Duration = Duration::from_secs(4);

/// The answer of the model if the program does not offer the tool.
pub(crate) const NO_TOOL: &str = "There is no such tool.";

/// The names that the APIs have for the result of a tool.
const RESULTS: [&str; 4] =
    [r#""tool_result""#, r#""function_call_output""#, r#""role":"tool""#, r#""functionResponse""#];

/// The next step of the model.
pub(crate) enum Turn {
    /// It calls a tool by the name that the program gave it, perhaps in a namespace.
    Calls { name: String, namespace: Option<String> },
    /// It says something.
    Says(String),
}

/// A running model.
pub(crate) struct Model {
    /// Its base URL.
    pub(crate) url: String,
}

impl Model {
    /// Starts one on loopback.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = move || {
            App::new()
                .app_data(web::JsonConfig::default().limit(1 << 25).content_type_required(false))
                .service(web::scope("/v1").configure(routes))
                .configure(routes)
                .route("/v1beta/models/{call}", web::post().to(gemini::answer))
                .default_service(web::to(async |_: HttpRequest| {
                    HttpResponse::NotFound().json(json!({}))
                }))
        };
        let server = HttpServer::new(app).workers(1).disable_signals();
        let server = server.listen(listener).expect("listens").run();
        std::thread::spawn(move || actix_web::rt::System::new().block_on(server));
        Self { url }
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/messages", web::post().to(anthropic::answer))
        .route("/responses", web::post().to(responses::answer))
        .route("/chat/completions", web::post().to(chat::answer))
        .route("/models", get().to(models));
}

async fn models() -> HttpResponse {
    let model = json!({ "id": "stand-in", "object": "model", "created": 0, "owned_by": "tests" });
    HttpResponse::Ok().json(json!({ "object": "list", "data": [model], "models": [] }))
}

/// Decides what to do about a request, whose messages are in the member `messages`.
async fn turn(request: &Value, messages: &str) -> Turn {
    let last = request[messages].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    let offered = find(&request["tools"], None);
    let text = last.to_string();
    if RESULTS.iter().any(|mark| text.contains(mark)) {
        return Turn::Says(format!("The tool answered: {text}"));
    }
    // Programs go on connecting to their servers while a model thinks.
    actix_web::rt::time::sleep(THOUGHT).await;
    match offered {
        Some((name, namespace)) => Turn::Calls { name, namespace },
        None => Turn::Says(NO_TOOL.to_owned()),
    }
}

/// Finds the tool among those of a request, however they are nested.
fn find(tools: &Value, namespace: Option<&str>) -> Option<(String, Option<String>)> {
    match tools {
        Value::Array(all) => all.iter().find_map(|one| find(one, namespace)),
        Value::Object(members) => {
            let name = members.get("name").and_then(Value::as_str);
            match name {
                Some(name) if name.contains(TOOL) => {
                    Some((name.to_owned(), namespace.map(str::to_owned)))
                }
                _ => ["function", "functionDeclarations", "tools"]
                    .iter()
                    .filter_map(|member| members.get(*member))
                    .find_map(|nested| find(nested, name)),
            }
        }
        _ => None,
    }
}

/// Returns the arguments of the tool call.
fn arguments() -> Value {
    json!({ "timezone": "UTC" })
}

/// Answers with a stream of events (SSE), each with a name or without.
fn events(events: &[(&str, Value)]) -> HttpResponse {
    let mut text = String::new();
    for (name, data) in events {
        if !name.is_empty() {
            text.push_str(&format!("event: {name}\n"));
        }
        // A string is a mark of the API, such as [DONE], and no JSON.
        let data = data.as_str().map_or_else(|| data.to_string(), str::to_owned);
        text.push_str(&format!("data: {data}\n\n"));
    }
    HttpResponse::Ok().content_type("text/event-stream").body(text)
}
