//! Permitted requests: five paths, with the few parameters that are needed.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::Value;
use url::form_urlencoded;

/// The maximum length of a query, in bytes.
const LONGEST_QUERY: usize = 4096;

/// The events that are forwarded: those that change the set of running containers. Others reveal command lines, as
/// `exec_start` does.
const EVENTS: [&str; 9] =
    ["create", "destroy", "die", "health_status", "pause", "rename", "start", "stop", "unpause"];

/// A permitted request. `version` is the version prefix of its path, such as `/v1.41`, or empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EngineRequest {
    /// `/_ping`, the liveness check of the API.
    Ping,
    /// `/version`, the versions of engine and API.
    Version { version: String },
    /// `/containers/json`, the list of containers.
    List { version: String, query: String },
    /// `/containers/ID/json`, the inspection of one container.
    Inspect { version: String, container: String },
    /// `/events`, the stream of container events.
    Events { version: String, query: String },
}

/// The reason why a request is refused, with the status to answer.
#[derive(Debug)]
pub(super) struct Rejection {
    pub(super) status: StatusCode,
    pub(super) why: &'static str,
}

const UNKNOWN_PATH: Rejection = Rejection {
    status: StatusCode::FORBIDDEN,
    why: "path not permitted; only _ping, version, the list of containers, one container, and events are",
};

fn bad(why: &'static str) -> Rejection {
    Rejection { status: StatusCode::BAD_REQUEST, why }
}

impl EngineRequest {
    /// Parses the path and the query of a request. Fails if they are not permitted.
    pub(super) fn read(path: &str, query: &str) -> Result<Self, Rejection> {
        let (version, path) = split_version(path);
        let version = version.to_owned();
        match path {
            "/_ping" => Ok(Self::Ping),
            "/version" => Ok(Self::Version { version }),
            "/containers/json" => Ok(Self::List { version, query: list_query(query)? }),
            "/events" => Ok(Self::Events { version, query: events_query(query)? }),
            _ => {
                let container = path.strip_prefix("/containers/");
                let container = container.and_then(|rest| rest.strip_suffix("/json"));
                let container = container.filter(|text| is_reference(text)).ok_or(UNKNOWN_PATH)?;
                if !query.is_empty() {
                    return Err(bad("the inspection of a container takes no parameters"));
                }
                Ok(Self::Inspect { version, container: container.to_owned() })
            }
        }
    }

    /// Returns the version prefix of the path, such as `/v1.41`, or an empty string.
    pub(super) fn version(&self) -> &str {
        match self {
            Self::Ping => "",
            Self::Version { version }
            | Self::List { version, .. }
            | Self::Inspect { version, .. }
            | Self::Events { version, .. } => version,
        }
    }

    /// Returns the path and query to request from Docker.
    pub(super) fn target(&self) -> String {
        match self {
            Self::Ping => "/_ping".to_owned(),
            Self::Version { version } => format!("{version}/version"),
            Self::List { version, query } => format!("{version}/containers/json?{query}"),
            Self::Inspect { version, container } => {
                format!("{version}/containers/{container}/json")
            }
            Self::Events { version, query } => format!("{version}/events?{query}"),
        }
    }
}

/// Splits a path into its version prefix, such as `/v1.41`, and the rest. The prefix may be empty.
fn split_version(path: &str) -> (&str, &str) {
    let Some(rest) = path.strip_prefix("/v1.") else { return ("", path) };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let at = "/v1.".len() + digits;
    match path.split_at_checked(at) {
        Some(split @ (_, rest)) if (1..=3).contains(&digits) && rest.starts_with('/') => split,
        _ => ("", path),
    }
}

/// Returns `true` if `text` has the form of a container name or id.
fn is_reference(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    first && text.len() <= 255 && text.bytes().all(rest)
}

/// Parses the parameters of a query. Refuses repeated ones.
fn parameters(query: &str) -> Result<BTreeMap<String, String>, Rejection> {
    if query.len() > LONGEST_QUERY {
        return Err(bad("the query is too long"));
    }
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(bad("a parameter is given twice"));
        }
    }
    Ok(parameters)
}

fn list_query(query: &str) -> Result<String, Rejection> {
    let mut answer = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters(query)? {
        match name.as_str() {
            "all" if ["0", "1", "false", "true"].contains(&value.as_str()) => {
                answer.append_pair(&name, &value);
            }
            "limit" if is_number(&value) => {
                answer.append_pair(&name, &value);
            }
            "filters" => {
                // Filters by label are refused, because they would also match labels of images.
                let filters = filters(&value, &["health", "id", "name", "status"])?;
                answer.append_pair(&name, &filters_text(&filters));
            }
            _ => {
                return Err(bad(
                    "the list takes all, limit, and filters by health, id, name, status",
                ));
            }
        }
    }
    Ok(answer.finish())
}

fn events_query(query: &str) -> Result<String, Rejection> {
    let mut answer = form_urlencoded::Serializer::new(String::new());
    let mut wanted = BTreeMap::new();
    for (name, value) in parameters(query)? {
        match name.as_str() {
            "since" | "until" if is_number(&value) => {
                answer.append_pair(&name, &value);
            }
            "filters" => wanted = filters(&value, &["container", "event", "type"])?,
            _ => {
                return Err(bad("events take since, until, and filters by container, event, type"));
            }
        }
    }
    wanted.insert("type".to_owned(), vec!["container".to_owned()]);
    let events = wanted.entry("event".to_owned()).or_default();
    if events.is_empty() {
        *events = EVENTS.map(str::to_owned).to_vec();
    }
    events.retain(|event| is_told(event));
    if events.is_empty() {
        return Err(bad("these events are not forwarded"));
    }
    answer.append_pair("filters", &filters_text(&wanted));
    Ok(answer.finish())
}

/// Returns `true` if events with this action, such as `start` or `health_status: healthy`, are forwarded.
pub(super) fn is_told(action: &str) -> bool {
    EVENTS.contains(&action)
        || ["healthy", "unhealthy", "starting"]
            .iter()
            .any(|state| action.strip_prefix("health_status: ") == Some(state))
}

/// Returns `true` if `text` is a number of seconds, optionally with a fraction.
fn is_number(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Parses filters in either form: `{"type": ["container"]}` or `{"type": {"container": true}}`. Refuses other keys.
fn filters(text: &str, keys: &[&str]) -> Result<BTreeMap<String, Vec<String>>, Rejection> {
    let unreadable = || bad("the filters cannot be read");
    let stated: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|_| unreadable())?;
    let mut filters = BTreeMap::new();
    for (key, values) in stated {
        if !keys.contains(&key.as_str()) {
            return Err(bad("this filter is not permitted"));
        }
        let values: Option<Vec<String>> = match values {
            Value::Array(values) => {
                values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
            }
            Value::Object(values) => {
                let wanted = values.into_iter().map(|(value, on)| (on == true).then_some(value));
                wanted.collect()
            }
            _ => None,
        };
        filters.insert(key, values.ok_or_else(unreadable)?);
    }
    Ok(filters)
}

fn filters_text(filters: &BTreeMap<String, Vec<String>>) -> String {
    serde_json::json!(filters).to_string()
}

#[cfg(test)]
mod tests;
