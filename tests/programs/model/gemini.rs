//! The API of Gemini.

use actix_web::{
    HttpResponse,
    web::{Json, Path},
};
use serde_json::{Value, json};

use super::{Turn, arguments, events, turn};

pub(super) async fn answer(call: Path<String>, request: Json<Value>) -> HttpResponse {
    if call.ends_with(":countTokens") {
        return HttpResponse::Ok().json(json!({ "totalTokens": 1 }));
    }
    let part = match turn(&request, "contents").await {
        Turn::Calls { name, .. } => {
            json!({ "functionCall": { "name": name, "args": arguments() } })
        }
        Turn::Says(text) => json!({ "text": text }),
    };
    let content = json!({ "role": "model", "parts": [part] });
    let answer = json!({
        "candidates": [{ "index": 0, "content": content, "finishReason": "STOP" }],
        "usageMetadata": { "promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2 },
    });
    if call.ends_with(":streamGenerateContent") {
        events(&[("", answer)])
    } else {
        HttpResponse::Ok().json(answer)
    }
}
