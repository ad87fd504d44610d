//! The Chat Completions API of OpenAI, which many others speak.

use actix_web::{HttpResponse, web::Json};
use serde_json::{Value, json};

use super::{Turn, arguments, events, turn};

pub(super) async fn answer(request: Json<Value>) -> HttpResponse {
    let streams = request["stream"] == true;
    let (message, reason) = match turn(&request, "messages").await {
        Turn::Calls { name, .. } => {
            let function = json!({ "name": name, "arguments": arguments().to_string() });
            let call =
                json!({ "index": 0, "id": "call_1", "type": "function", "function": function });
            (json!({ "role": "assistant", "content": null, "tool_calls": [call] }), "tool_calls")
        }
        Turn::Says(text) => (json!({ "role": "assistant", "content": text }), "stop"),
    };
    let usage = json!({ "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 });
    let answer = |object: &str, choices: Value| {
        json!({
            "id": "chat-1", "object": object, "created": 1, "model": "stand-in", "choices": choices,
            "usage": usage,
        })
    };
    if !streams {
        let choice = json!({ "index": 0, "message": message, "finish_reason": reason });
        return HttpResponse::Ok().json(answer("chat.completion", json!([choice])));
    }
    let chunk = |delta: Value, reason: Value| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": reason });
        ("", answer("chat.completion.chunk", json!([choice])))
    };
    events(&[
        chunk(message, Value::Null),
        chunk(json!({}), json!(reason)),
        ("", Value::from("[DONE]")),
    ])
}
