//! Client of the Docker Engine API behind its socket.

use std::{path::Path, time::Duration};

use actix_web::{HttpResponse, http::StatusCode};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use serde::{Deserialize, de::DeserializeOwned};

use super::members::Image;
use crate::{model::Chain, servers::Labels};

/// The timeout of a response that is not a stream.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum size of a response, in bytes: enough for a list of several thousand containers.
const LONGEST: usize = 16 * 1024 * 1024;

/// The maximum size of an error response, in bytes.
const LONGEST_ERROR: usize = 4096;

/// The reason why Docker has not answered a request.
#[derive(Debug)]
pub(super) enum Failure {
    /// Docker answered with this status and message.
    Rejection(StatusCode, String),
    /// The response is too long or malformed.
    Unreadable(String),
    /// The connection failed or was lost.
    Gone(reqwest::Error),
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::Gone(error)
    }
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

pub(super) struct Engine(reqwest::Client);

impl Engine {
    pub(super) fn new(socket: &Path) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .unix_socket(socket)
            // No TLS is used over the socket.
            .tls_certs_only([])
            .build()?;
        Ok(Self(client))
    }

    /// Forwards `/_ping`. Its headers tell clients which API version to use.
    pub(super) async fn ping(&self) -> Result<HttpResponse, Failure> {
        let answer = self.ask("/_ping", Some(RESPONSE_TIMEOUT)).await?;
        let mut ok = HttpResponse::Ok();
        for name in ["api-version", "ostype"] {
            if let Some(value) = answer.headers().get(name).and_then(|value| value.to_str().ok()) {
                ok.insert_header((name, value));
            }
        }
        Ok(ok.insert_header(("cache-control", "no-store")).content_type("text/plain").body("OK"))
    }

    /// Requests `target` and parses the JSON response.
    pub(super) async fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, Failure> {
        let answer = self.ask(target, Some(RESPONSE_TIMEOUT)).await?;
        let text = body(answer, LONGEST).await?;
        // Only the position of the error is reported, because the text may have secrets.
        let unreadable = |error: serde_json::Error| {
            Failure::Unreadable(format!("the response is malformed at column {}", error.column()))
        };
        serde_json::from_slice(&text).map_err(unreadable)
    }

    /// Requests `target` as an endless stream, without a timeout.
    pub(super) async fn stream(
        &self,
        target: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, reqwest::Error>> + use<>, Failure> {
        let answer = self.ask(target, None).await?;
        Ok(futures_util::stream::try_unfold(answer, async |mut answer| {
            Ok(answer.chunk().await?.map(|bytes| (bytes, answer)))
        })
        .into_stream())
    }

    /// Returns the labels of an image. The error is the reason why they cannot be read.
    pub(super) async fn image_labels(&self, version: &str, id: &str) -> Result<Labels, String> {
        let image: Image = match self.get(&format!("{version}/images/{id}/json")).await {
            Ok(image) => image,
            Err(Failure::Rejection(status, message)) => return Err(format!("{status}: {message}")),
            Err(Failure::Unreadable(error)) => return Err(error),
            Err(Failure::Gone(error)) => return Err(Chain(&error).to_string()),
        };
        Ok(image.config.and_then(|config| config.labels).unwrap_or_default())
    }

    async fn ask(
        &self,
        target: &str,
        patience: Option<Duration>,
    ) -> Result<reqwest::Response, Failure> {
        let mut request = self.0.get(format!("http://docker{target}"));
        if let Some(patience) = patience {
            request = request.timeout(patience);
        }
        let answer = request.send().await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = body(answer, LONGEST_ERROR).await.unwrap_or_default();
        let message = serde_json::from_slice::<Message>(&text).map(|answer| answer.message);
        let message = message.unwrap_or_else(|_| "Docker refused the request".to_owned());
        let status = StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        Err(Failure::Rejection(status, message))
    }
}

async fn body(mut answer: reqwest::Response, longest: usize) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if text.len() + chunk.len() > longest {
            return Err(Failure::Unreadable(format!("the response has more than {longest} bytes")));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}
