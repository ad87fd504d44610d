//! Reads JSON as lenient libraries do: names by their simple case folding (Go `encoding/json`) and up to NUL
//! (C strings), of equal ones the last.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The fields of a message, and of its parameters.
const FIELDS: [&str; 16] = [
    "jsonrpc",
    "id",
    "method",
    "params",
    "result",
    "error",
    "name",
    "arguments",
    "_meta",
    "uri",
    "task",
    "taskId",
    "requestId",
    "progressToken",
    "requestState",
    "inputResponses",
];

/// A value whose members keep their order and may repeat.
enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    Other(Value),
}

/// Reads a message; `None` if it is not valid.
pub(crate) fn read(text: &str) -> Option<Value> {
    serde_json::from_str::<Json>(text).ok().map(|json| json.folded(3))
}

/// The field that a lenient library takes `key` for.
fn field(key: &str) -> Option<&'static str> {
    let key: String = key.split('\0').next()?.chars().map(small).collect();
    FIELDS.into_iter().find(|field| field.chars().map(small).eq(key.chars()))
}

/// The smallest of the characters that are the same but for case.
fn small(c: char) -> char {
    match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    }
}

impl Json {
    /// As it is read; a message, its parameters and their `_meta` are of known types, what is deeper is not.
    fn folded(self, depth: usize) -> Value {
        match self {
            Self::Object(members) => {
                let mut all = Map::new();
                for (key, value) in members {
                    let field = if depth > 0 { field(&key) } else { None };
                    let inner =
                        if field == Some("arguments") { 0 } else { depth.saturating_sub(1) };
                    all.insert(field.map_or(key, str::to_owned), value.folded(inner));
                }
                all.into()
            }
            Self::Array(items) => items.into_iter().map(|item| item.folded(depth)).collect(),
            Self::Other(value) => value,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Json::Object(members))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Json::Array(items))
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Other(text.into()))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Other(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Other(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Other(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(Json::Other(value.into()))
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Other(Value::Null))
            }
        }
        de.deserialize_any(Any)
    }
}
