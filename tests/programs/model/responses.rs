//! The Responses API of OpenAI.

use actix_web::{HttpResponse, web::Json};
use serde_json::{Value, json};

use super::{Turn, arguments, events, turn};

pub(super) async fn answer(request: Json<Value>) -> HttpResponse {
    let streams = request["stream"] == true;
    let item = match turn(&request, "input").await {
        Turn::Calls { name, namespace } => {
            let mut call = json!({
                "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name,
                "arguments": arguments().to_string(), "status": "completed",
            });
            if let Some(namespace) = namespace {
                call["namespace"] = json!(namespace);
            }
            call
        }
        Turn::Says(text) => {
            let part = json!({ "type": "output_text", "text": text, "annotations": [] });
            json!({
                "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                "content": [part],
            })
        }
    };
    let response = |status: &str, output: Value| {
        json!({
            "id": "resp_1", "object": "response", "created_at": 1, "status": status,
            "model": "stand-in", "output": output,
            "usage": {
                "input_tokens": 1, "output_tokens": 1, "total_tokens": 2,
                "input_tokens_details": { "cached_tokens": 0 },
                "output_tokens_details": { "reasoning_tokens": 0 },
            },
        })
    };
    let completed = response("completed", json!([item]));
    if !streams {
        return HttpResponse::Ok().json(completed);
    }
    let kinds = [
        ("response.created", json!({ "response": response("in_progress", json!([])) })),
        ("response.output_item.added", json!({ "output_index": 0, "item": item })),
        ("response.output_item.done", json!({ "output_index": 0, "item": item })),
        ("response.completed", json!({ "response": completed })),
    ];
    events(&kinds.map(|(kind, mut data)| {
        data["type"] = json!(kind);
        (kind, data)
    }))
}
