//! Filter for Docker's event stream, which has one JSON object per line.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::request::is_told;

/// The maximum size of an event, in bytes. An event includes all labels of its container.
const LONGEST: usize = 256 * 1024;

/// The reason why a stream of events ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the connection to Docker's stream of events was lost")]
    Cut(#[source] reqwest::Error),
    #[error("an event of Docker has more than {LONGEST} bytes")]
    TooLong,
    #[error("an event of Docker cannot be read")]
    Unreadable,
}

/// The members of an event that are forwarded.
#[derive(Deserialize, Serialize)]
struct Event {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "Action")]
    action: String,
    #[serde(rename = "Actor")]
    actor: Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "timeNano")]
    nanoseconds: Option<i64>,
}

/// The object of an event. Its attributes include the container's labels; `name` is set by Docker itself.
#[derive(Deserialize, Serialize)]
struct Actor {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Attributes", default)]
    attributes: BTreeMap<String, String>,
}

/// Filters a stream of event lines. Yields only container events that may be forwarded, without labels.
pub(super) fn filtered(
    lines: impl Stream<Item = Result<Bytes, reqwest::Error>> + 'static,
) -> impl Stream<Item = Result<Bytes, Error>> + 'static {
    stream::try_unfold((Box::pin(lines), BytesMut::new()), async |(mut lines, mut rest)| {
        loop {
            while let Some(line) = next_line(&mut rest) {
                if let Some(event) = passed_on(&line)? {
                    return Ok(Some((event, (lines, rest))));
                }
            }
            if rest.len() > LONGEST {
                return Err(Error::TooLong);
            }
            match lines.next().await {
                Some(bytes) => rest.extend_from_slice(&bytes.map_err(Error::Cut)?),
                None => return Ok(None),
            }
        }
    })
}

fn next_line(rest: &mut BytesMut) -> Option<BytesMut> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    Some(rest.split_to(end + 1))
}

/// Returns the redacted event of a line, or `None` if it is not forwarded.
fn passed_on(line: &[u8]) -> Result<Option<Bytes>, Error> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let mut event: Event = serde_json::from_slice(line).map_err(|_| Error::Unreadable)?;
    if event.kind != "container" || !is_told(&event.action) {
        return Ok(None);
    }
    if event.status.is_some() {
        event.status = Some(event.action.clone());
    }
    event.actor.attributes.retain(|key, _| key == "name");
    let mut text = serde_json::to_vec(&event).map_err(|_| Error::Unreadable)?;
    text.push(b'\n');
    Ok(Some(text.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(kind: &str, action: &str) -> String {
        let attributes = json!({
            "name": "x", "image": "evil", "traefik.enable": "true", "execDuration": "1",
            "com.docker.compose.service": "auth",
        });
        json!({
            "status": action, "id": "1", "from": "evil", "Type": kind, "Action": action,
            "Actor": { "ID": "1", "Attributes": attributes }, "time": 5, "timeNano": 6,
        })
        .to_string()
    }

    async fn told(chunks: Vec<Vec<u8>>) -> Result<Vec<Value>, Error> {
        let chunks = chunks.into_iter().map(|chunk| Ok(Bytes::from(chunk)));
        let events: Vec<_> = filtered(stream::iter(chunks)).collect().await;
        events.into_iter().map(|it| Ok(serde_json::from_slice(&it?).unwrap())).collect()
    }

    #[tokio::test]
    async fn s3_an_event_tells_no_label_and_no_command() {
        let lines = [
            event("container", "start"),
            event("container", "exec_create: sh -c 'login --password secret'"),
            event("container", "health_status: healthy"),
            event("container", "health_status: password secret"),
            event("image", "start"),
            event("container", "destroy"),
        ];
        let text = format!("{}\n\n", lines.join("\n")).into_bytes();
        let expected: Vec<Value> = ["start", "health_status: healthy", "destroy"]
            .map(|action| {
                json!({
                    "status": action, "id": "1", "Type": "container", "Action": action,
                    "Actor": { "ID": "1", "Attributes": { "name": "x" } }, "time": 5, "timeNano": 6,
                })
            })
            .to_vec();
        // The chunking does not matter.
        for size in [1, 7, 1000, text.len()] {
            let chunks = text.chunks(size).map(<[u8]>::to_vec).collect();
            assert_eq!(told(chunks).await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn s3_a_line_has_an_end() {
        let endless = vec![vec![b'x'; 64 * 1024]; 100];
        assert!(matches!(told(endless).await, Err(Error::TooLong)));
        assert!(matches!(told(vec![b"no json\n".to_vec()]).await, Err(Error::Unreadable)));
    }
}
