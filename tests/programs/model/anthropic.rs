//! The Messages API of Anthropic.

use actix_web::{HttpResponse, web::Json};
use serde_json::{Value, json};

use super::{Turn, arguments, events, turn};

pub(super) async fn answer(request: Json<Value>) -> HttpResponse {
    let streams = request["stream"] == true;
    let (start, delta, whole, reason) = match turn(&request, "messages").await {
        Turn::Calls { name, .. } => (
            json!({ "type": "tool_use", "id": "toolu_1", "name": name, "input": {} }),
            json!({ "type": "input_json_delta", "partial_json": arguments().to_string() }),
            json!({ "type": "tool_use", "id": "toolu_1", "name": name, "input": arguments() }),
            "tool_use",
        ),
        Turn::Says(text) => (
            json!({ "type": "text", "text": "" }),
            json!({ "type": "text_delta", "text": text }),
            json!({ "type": "text", "text": text }),
            "end_turn",
        ),
    };
    let message = |content: Value, reason: Value| {
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "stand-in",
            "content": content, "stop_reason": reason, "stop_sequence": null,
            "usage": { "input_tokens": 1, "output_tokens": 1 },
        })
    };
    if !streams {
        return HttpResponse::Ok().json(message(json!([whole]), json!(reason)));
    }
    let kinds = [
        ("message_start", json!({ "message": message(json!([]), Value::Null) })),
        ("content_block_start", json!({ "index": 0, "content_block": start })),
        ("content_block_delta", json!({ "index": 0, "delta": delta })),
        ("content_block_stop", json!({ "index": 0 })),
        (
            "message_delta",
            json!({
                "delta": { "stop_reason": reason, "stop_sequence": null },
                "usage": { "output_tokens": 1 },
            }),
        ),
        ("message_stop", json!({})),
    ];
    events(&kinds.map(|(kind, mut data)| {
        data["type"] = json!(kind);
        (kind, data)
    }))
}
