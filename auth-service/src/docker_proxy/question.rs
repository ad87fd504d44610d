//! What may be asked: five paths, with the few parameters that are needed.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::Value;
use url::form_urlencoded;

/// The longest query that is read.
const LONGEST_QUERY: usize = 4096;

/// The events that change what runs. Others tell command lines, as `exec_start` does.
const EVENTS: [&str; 9] =
    ["create", "destroy", "die", "health_status", "pause", "rename", "start", "stop", "unpause"];

/// A question that may be asked; `version` is `/v1.41`, or empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// `/_ping`.
    Ping,
    /// `/version`.
    Version { version: String },
    /// `/containers/json`.
    List { version: String, query: String },
    /// `/containers/ID/json`.
    Inspect { version: String, container: String },
    /// `/events`.
    Events { version: String, query: String },
}

/// Why a question may not be asked.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) why: &'static str,
}

const UNKNOWN_PATH: Refused = Refused {
    status: StatusCode::FORBIDDEN,
    why: "of Docker, only _ping, version, the list of containers, one container, and events are permitted",
};

fn bad(why: &'static str) -> Refused {
    Refused { status: StatusCode::BAD_REQUEST, why }
}

impl Question {
    /// Reads the path and the query of a request.
    pub(super) fn read(path: &str, query: &str) -> Result<Self, Refused> {
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
                    return Err(bad("the question takes no parameters"));
                }
                Ok(Self::Inspect { version, container: container.to_owned() })
            }
        }
    }

    /// The version of the API that is asked, as Docker's paths have it.
    pub(super) fn version(&self) -> &str {
        match self {
            Self::Ping => "",
            Self::Version { version }
            | Self::List { version, .. }
            | Self::Inspect { version, .. }
            | Self::Events { version, .. } => version,
        }
    }

    /// The path and query to ask Docker.
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

/// `/v1.41` and the rest of a path.
fn split_version(path: &str) -> (&str, &str) {
    let Some(rest) = path.strip_prefix("/v1.") else { return ("", path) };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let at = "/v1.".len() + digits;
    match path.split_at_checked(at) {
        Some(split @ (_, rest)) if (1..=3).contains(&digits) && rest.starts_with('/') => split,
        _ => ("", path),
    }
}

/// A name or an id of a container.
fn is_reference(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    first && text.len() <= 255 && text.bytes().all(rest)
}

/// The parameters of a query, each once.
fn parameters(query: &str) -> Result<BTreeMap<String, String>, Refused> {
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

fn list_query(query: &str) -> Result<String, Refused> {
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
                // Not by label: those of images are among them.
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

fn events_query(query: &str) -> Result<String, Refused> {
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
        return Err(bad("no such events are told"));
    }
    answer.append_pair("filters", &filters_text(&wanted));
    Ok(answer.finish())
}

/// Returns `true` if the action of an event is passed on: `start`, or `health_status: healthy`.
pub(super) fn is_told(action: &str) -> bool {
    EVENTS.contains(&action)
        || ["healthy", "unhealthy", "starting"]
            .iter()
            .any(|state| action.strip_prefix("health_status: ") == Some(state))
}

/// A number of seconds, with nanoseconds perhaps.
fn is_number(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Filters in either form: `{"type": ["container"]}` and `{"type": {"container": true}}`.
fn filters(text: &str, keys: &[&str]) -> Result<BTreeMap<String, Vec<String>>, Refused> {
    let unreadable = || bad("the filters cannot be read");
    let stated: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|_| unreadable())?;
    let mut filters = BTreeMap::new();
    for (key, values) in stated {
        if !keys.contains(&key.as_str()) {
            return Err(bad("there is no such filter"));
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
mod tests {
    use super::*;

    fn target(path: &str, query: &str) -> Result<String, u16> {
        let question = Question::read(path, query).map_err(|refused| refused.status.as_u16())?;
        let target = question.target();
        let decoded = |it: &str| {
            let pairs = form_urlencoded::parse(it.as_bytes());
            pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
        };
        Ok(match target.split_once('?') {
            Some((path, query)) => format!("{path}?{}", decoded(query)),
            None => target,
        })
    }

    #[test]
    fn s3_traefik_and_the_catalogue_may_ask() {
        let id = "e8df18340df5f316ad853411ae8526d558c01ee417420f819de7d332125848ae";
        let inspect = format!("/v1.41/containers/{id}/json");
        for (path, query, expected) in [
            ("/_ping", "", "/_ping"),
            ("/v1.44/_ping", "", "/_ping"),
            ("/version", "", "/version"),
            ("/v1.41/version", "", "/v1.41/version"),
            ("/v1.41/containers/json", "all=1", "/v1.41/containers/json?all=1"),
            ("/containers/json", "", "/containers/json?"),
            (&inspect, "", &inspect),
            ("/containers/gateway-time-1/json", "", "/containers/gateway-time-1/json"),
            (
                "/v1.41/events",
                "since=12.000000005&filters=%7B%22type%22%3A%7B%22container%22%3Atrue%7D%7D",
                r#"/v1.41/events?since=12.000000005&filters={"event":["create","destroy","die","health_status","pause","rename","start","stop","unpause"],"type":["container"]}"#,
            ),
            (
                "/events",
                r#"filters={"type":["image","container"],"event":["start","exec_start","die"]}"#,
                r#"/events?filters={"event":["start","die"],"type":["container"]}"#,
            ),
        ] {
            assert_eq!(target(path, query).as_deref(), Ok(expected), "{path}?{query}");
        }
    }

    #[test]
    fn s3_nobody_may_ask_more() {
        for path in [
            "/",
            "/info",
            "/images/json",
            "/images/x/json",
            "/containers/x/top",
            "/containers/x/logs",
            "/containers/x/archive",
            "/containers/x/../../images/json",
            "/containers/../images/json",
            "/containers/%2e%2e/json",
            "/containers/x%2Fy/json",
            "/containers//json",
            "/containers/x/y/json",
            "/v1.41/v1.41/version",
            "/v2.0/version",
            "/v1./version",
            "/v1.41version",
            "/v1.41000/version",
            "//version",
            "/version/",
            "/services",
            "/networks",
            "/secrets",
        ] {
            assert_eq!(target(path, ""), Err(403), "{path}");
        }
        for (path, query) in [
            ("/containers/json", "size=1"),
            ("/containers/json", "all=2"),
            ("/containers/json", "all=1&all=0"),
            ("/containers/json", "limit=x"),
            ("/containers/json", r#"filters={"label":["traefik.enable"]}"#),
            ("/containers/json", r#"filters={"name":"x"}"#),
            ("/containers/json", "filters=x"),
            ("/containers/x/json", "size=1"),
            ("/events", "since=yesterday"),
            ("/events", r#"filters={"event":["exec_start"]}"#),
            ("/events", r#"filters={"label":["a"]}"#),
            ("/events", r#"filters={"event":[1]}"#),
        ] {
            assert_eq!(target(path, query), Err(400), "{path}?{query}");
        }
        assert_eq!(target("/events", &"x".repeat(LONGEST_QUERY + 1)), Err(400));
    }
}
