//! `subscriptions/listen`: the filter of a client, and notifications tagged with their subscription
//! (MCP "Subscriptions").

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::discover::ServerInfo;
use crate::messages::json_edit::JsonEdit;
use crate::messages::message::Envelope;
use crate::messages::meta::SUBSCRIPTION;
use crate::messages::object::{members, value};
use crate::messages::tree;

/// The types of change: the name in the filter, the notification, and the capability that a legacy server
/// must have for it.
const CHANGES: [(&str, &str, &str); 3] = [
    ("toolsListChanged", "notifications/tools/list_changed", "/tools/listChanged"),
    ("promptsListChanged", "notifications/prompts/list_changed", "/prompts/listChanged"),
    ("resourcesListChanged", "notifications/resources/list_changed", "/resources/listChanged"),
];
/// The notification that a resource was updated.
pub const UPDATED: &str = "notifications/resources/updated";
/// The maximum number of resources in one filter.
const URIS: usize = 256;
/// The maximum length of a resource URI, in bytes.
pub const URI: usize = 8 << 10;

/// The notifications that a client has requested, or that it will receive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    changes: [bool; CHANGES.len()],
    /// The resources to watch.
    pub uris: Vec<String>,
}

impl Filter {
    /// Parses the `notifications` of a request. Returns `None` if they are not a valid filter.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let all: Map<String, Value> = tree::read(text)?;
        let mut changes = [false; CHANGES.len()];
        for (wanted, (name, ..)) in changes.iter_mut().zip(CHANGES) {
            *wanted = match all.get(name) {
                None => false,
                Some(value) => value.as_bool()?,
            };
        }
        let uris = match all.get("resourceSubscriptions") {
            None => Vec::new(),
            Some(value) => {
                let uris = value.as_array()?.iter().map(Value::as_str);
                uris.map(|uri| uri.map(str::to_owned)).collect::<Option<Vec<_>>>()?
            }
        };
        let few = uris.len() <= URIS && uris.iter().all(|uri| uri.len() <= URI);
        few.then_some(Self { changes, uris })
    }

    /// Returns a filter with all types of change and the resources `uris`.
    #[must_use]
    pub fn of_everything(uris: Vec<String>) -> Self {
        Self { changes: [true; CHANGES.len()], uris }
    }

    /// Returns `true` if the filter selects nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.uris.is_empty() && !self.changes.contains(&true)
    }

    /// Returns the part that a legacy server supports: "Notification types the server does not support are
    /// omitted".
    #[must_use]
    pub fn offered(mut self, greeting: &ServerInfo) -> Self {
        for (wanted, (.., capability)) in self.changes.iter_mut().zip(CHANGES) {
            *wanted &= greeting.offers(capability);
        }
        if !greeting.offers("/resources/subscribe") {
            self.uris.clear();
        }
        self
    }

    /// Returns the filter as stated in the acknowledgement.
    #[must_use]
    pub fn stated(&self) -> Value {
        let wanted = self.changes.iter().zip(CHANGES).filter(|(wanted, _)| **wanted);
        let mut all: Map<String, Value> =
            wanted.map(|(_, (name, ..))| (name.to_owned(), true.into())).collect();
        if !self.uris.is_empty() {
            all.insert("resourceSubscriptions".to_owned(), self.uris.clone().into());
        }
        all.into()
    }

    /// Returns `true` if the filter selects the notification.
    #[must_use]
    pub fn wants(&self, envelope: &Envelope<'_>) -> bool {
        if envelope.method == UPDATED {
            let uri = envelope.params.and_then(uri);
            return uri.is_some_and(|uri| self.uris.contains(&uri));
        }
        let mut changes = self.changes.iter().zip(CHANGES);
        changes.any(|(wanted, (_, method, _))| *wanted && envelope.method == method)
    }
}

/// Returns `true` for a change notification, which is sent only to subscribers.
#[must_use]
pub fn is_change(method: &str) -> bool {
    method == UPDATED || CHANGES.iter().any(|(_, change, _)| *change == method)
}

/// Returns the resource that `params` name.
#[must_use]
pub fn uri(params: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Updated {
        uri: String,
    }
    serde_json::from_str::<Updated>(params).ok().map(|updated| updated.uri)
}

/// Returns the acknowledgement of the request `id`.
#[must_use]
pub fn acknowledged(id: &str, filter: &Filter) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"_meta":{{"{SUBSCRIPTION}":{id}}},"notifications":{}}}}}"#,
        filter.stated()
    )
}

/// Returns the response to the request `id`, which "signals that the subscription ended gracefully".
#[must_use]
pub fn ended(id: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","_meta":{{"{SUBSCRIPTION}":{id}}}}}}}"#
    )
}

#[derive(Deserialize)]
struct Tagged<'a> {
    #[serde(borrow, rename = "_meta")]
    meta: Option<Tag<'a>>,
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/subscriptionId")]
    id: Option<&'a RawValue>,
}

/// Returns the subscription id in `object`, parameters or a result, as JSON text.
#[must_use]
pub fn tag(object: &str) -> Option<&str> {
    serde_json::from_str::<Tagged<'_>>(object).ok()?.meta?.id.map(RawValue::get)
}

/// Returns the notification `text`, which has `params`, without its subscription id, since legacy clients
/// have no subscriptions.
#[must_use]
pub fn untagged(text: &str, params: &str) -> String {
    let edit = JsonEdit::of(text);
    match value(params, "_meta") {
        Some(meta) => edit.set(meta, &[SUBSCRIPTION], "").apply(),
        None => edit.apply(),
    }
}

/// Returns the change that tags the notification `text` with the subscription `id`. Returns `None` if its parameters or
/// their `_meta` are not an object.
#[must_use]
pub fn tagged<'a>(text: &'a str, envelope: &Envelope<'_>, id: &str) -> Option<JsonEdit<'a>> {
    let edit = JsonEdit::of(text);
    let tag = format!("\"{SUBSCRIPTION}\":{id}");
    let Some(params) = envelope.params else {
        return Some(edit.insert(text, &format!("\"params\":{{\"_meta\":{{{tag}}}}}")));
    };
    let Some(meta) = members(params)?.into_iter().find(|member| member.name == "_meta") else {
        return Some(edit.insert(params, &format!("\"_meta\":{{{tag}}}")));
    };
    let all = members(meta.value)?;
    match all.iter().find(|member| member.name == SUBSCRIPTION) {
        Some(own) => Some(edit.replace(own.value, id.to_owned())),
        None => Some(edit.insert(meta.value, &tag)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::message::parse;

    #[test]
    fn a_filter_is_what_was_asked_and_can_be_done() {
        let text = r#"{"toolsListChanged":true,"promptsListChanged":false,"resourceSubscriptions":["a:b"],"x":1}"#;
        let filter = Filter::read(text).unwrap();
        assert_eq!(
            filter.stated().to_string(),
            r#"{"resourceSubscriptions":["a:b"],"toolsListChanged":true}"#
        );
        let greeting =
            ServerInfo::new(r#"{"capabilities":{"resources":{"subscribe":true}}}"#.into());
        let offered = filter.clone().offered(&greeting);
        assert_eq!(offered.stated().to_string(), r#"{"resourceSubscriptions":["a:b"]}"#);
        let wants = |method: &str, params: &str| {
            let text = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#);
            filter.wants(&parse(&text).unwrap())
        };
        assert!(wants("notifications/tools/list_changed", "{}"));
        assert!(!wants("notifications/prompts/list_changed", "{}"));
        assert!(wants(UPDATED, r#"{"uri":"a:b"}"#) && !wants(UPDATED, r#"{"uri":"a:c"}"#));
        for bad in ["7", r#"{"toolsListChanged":1}"#, r#"{"resourceSubscriptions":[1]}"#] {
            assert_eq!(Filter::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_notification_is_tagged_wherever_there_is_room() {
        let tagged = |rest: &str| {
            let text = format!(r#"{{"jsonrpc":"2.0","method":"n"{rest}}}"#);
            let text = tagged(&text, &parse(&text).unwrap(), "\"l\"").unwrap().apply();
            let params = parse(&text).unwrap().params.unwrap().to_owned();
            assert_eq!(tag(&params), Some("\"l\""));
            params
        };
        let meta = r#"{"io.modelcontextprotocol/subscriptionId":"l"}"#;
        assert_eq!(tagged(""), format!("{{\"_meta\":{meta}}}"));
        assert_eq!(tagged(r#","params":{}"#), format!("{{\"_meta\":{meta}}}"));
        assert_eq!(tagged(r#","params":{"a":1.0}"#), format!("{{\"_meta\":{meta},\"a\":1.0}}"));
        assert_eq!(
            tagged(r#","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":5,"b":2}}"#),
            r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":"l","b":2}}"#
        );
        assert_eq!(tag(r#"{"_meta":{}}"#), None);
    }

    #[test]
    fn a_legacy_client_hears_of_no_subscription() {
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"n","params":{{"_meta":{{"{SUBSCRIPTION}":7,"k":[ ]}},"uri":"a\/b"}}}}"#
        );
        let params = parse(&text).unwrap().params.unwrap().to_owned();
        let params = text.get(text.find(&params).unwrap()..text.len() - 1).unwrap();
        let want = r#"{"jsonrpc":"2.0","method":"n","params":{"_meta":{"k":[ ]},"uri":"a\/b"}}"#;
        assert_eq!(untagged(&text, params), want);
        assert_eq!(untagged(want, parse(want).unwrap().params.unwrap()), want);
    }
}
