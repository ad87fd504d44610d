//! Tool parameters that a client repeats in headers: their paths and the expected header values (Streamable
//! HTTP, "Custom Headers from Tool Parameters").

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::object::value;
use super::{array, tree};

/// A parameter that is repeated in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// The name of the header, in lower case.
    pub header: String,
    /// The path of the parameter in the arguments.
    path: Vec<String>,
}

/// The repeated parameters of each tool that has any.
pub type ParamHeaders = HashMap<String, Vec<Mirror>>;

/// The maximum depth of a schema that is searched.
const DEPTH: usize = 16;

/// Adds the parameters on a page of `tools/list` to `mirrors`. Returns the cursor of the next page.
pub fn collect(result: &str, param_headers: &mut ParamHeaders) -> Option<String> {
    array::each(value(result, "tools")?, |tool| {
        learn(tool, param_headers);
        true
    })?;
    serde_json::from_str(value(result, "nextCursor")?).ok()
}

fn learn(tool: &str, param_headers: &mut ParamHeaders) {
    let Some(tool) = tree::value(tool) else { return };
    let Some(name) = tool.get("name").and_then(Value::as_str) else { return };
    let mut found = Vec::new();
    if let Some(schema) = tool.get("inputSchema") {
        search(schema, &mut Vec::new(), &mut found);
    }
    if !found.is_empty() {
        param_headers.insert(name.to_owned(), found);
    }
}

/// Searches a schema for annotated parameters "reachable via a chain consisting solely of `properties` keys".
fn search(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Mirror>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        path.push(name.clone());
        if let Some(header) = property.get("x-mcp-header").and_then(Value::as_str) {
            let header = format!("mcp-param-{}", header.to_ascii_lowercase());
            found.push(Mirror { header, path: path.clone() });
        }
        if path.len() < DEPTH {
            search(property, path, found);
        }
        path.pop();
    }
}

impl Mirror {
    /// Returns the value of the parameter, if a header can represent it.
    #[must_use]
    pub fn value<'a>(&self, arguments: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.path.split_first()?;
        let mut value = arguments.get(first)?;
        for name in rest {
            value = value.get(name)?;
        }
        (value.is_string() || value.is_number() || value.is_boolean()).then_some(value)
    }
}

/// Returns `true` if a decoded header matches `value`: "servers SHOULD compare the header value and the body
/// value numerically".
#[must_use]
pub fn says(header: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => header == text,
        Value::Bool(flag) => header == if *flag { "true" } else { "false" },
        Value::Number(number) => {
            let text = number.to_string();
            let same = || Some(header.parse::<f64>().ok()? - number.as_f64()? == 0.0);
            header == text || same() == Some(true)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_found_where_they_may_be() {
        let page = r#"{"tools":[{"name":"a","inputSchema":{"properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "deep":{"properties":{"n":{"type":"integer","x-mcp-header":"N"}}},
            "list":{"items":{"properties":{"no":{"x-mcp-header":"No"}}}}}}},
            {"name":"b"}],"nextCursor":"c"}"#;
        let mut param_headers = ParamHeaders::new();
        assert_eq!(collect(page, &mut param_headers).as_deref(), Some("c"));
        assert_eq!(param_headers.len(), 1);
        let mut headers: Vec<_> =
            param_headers["a"].iter().map(|one| one.header.as_str()).collect();
        headers.sort_unstable();
        assert_eq!(headers, ["mcp-param-n", "mcp-param-region"]);
        let arguments = serde_json::from_str(r#"{"deep":{"n":42},"region":null}"#).unwrap();
        let value = |header: &str| {
            let param_headers = param_headers["a"].iter().find(|one| one.header == header).unwrap();
            param_headers.value(&arguments)
        };
        assert_eq!(value("mcp-param-n"), Some(&Value::from(42)));
        assert_eq!(value("mcp-param-region"), None);
    }

    #[test]
    fn a_header_says_a_value_in_its_own_way() {
        assert!(says("42", &Value::from(42)) && says("42.0", &Value::from(42)));
        assert!(!says("41", &Value::from(42)) && !says("x", &Value::from(42)));
        assert!(says("true", &Value::from(true)) && !says("True", &Value::from(true)));
        assert!(says("a b", &Value::from("a b")) && !says("A b", &Value::from("a b")));
        assert!(!says("NaN", &Value::from(1)));
    }
}
