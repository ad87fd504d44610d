//! Docker behind its socket, as this proxy asks it.

use std::{path::Path, time::Duration};

use actix_web::{HttpResponse, http::StatusCode};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use serde::{Deserialize, de::DeserializeOwned};

use super::members::Image;
use crate::{model::Chain, ports::Labels};

/// How long an answer may take that is no stream.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer, in bytes: a list of some thousand containers.
const LONGEST: usize = 16 * 1024 * 1024;

/// The longest error.
const LONGEST_ERROR: usize = 4096;

/// Docker did not answer a question.
#[derive(Debug)]
pub(super) enum Failure {
    /// Docker says no: what, and why.
    Refused(StatusCode, String),
    /// The answer is too long or of another form.
    Unreadable(String),
    /// There is no connection, or it was cut.
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
            // A socket needs no authority.
            .tls_certs_only([])
            .build()?;
        Ok(Self(client))
    }

    /// `/_ping`, whose headers tell clients which version of the API to speak.
    pub(super) async fn ping(&self) -> Result<HttpResponse, Failure> {
        let answer = self.ask("/_ping", Some(PATIENCE)).await?;
        let mut ok = HttpResponse::Ok();
        for name in ["api-version", "ostype"] {
            if let Some(value) = answer.headers().get(name).and_then(|value| value.to_str().ok()) {
                ok.insert_header((name, value));
            }
        }
        Ok(ok.insert_header(("cache-control", "no-store")).content_type("text/plain").body("OK"))
    }

    /// Asks for JSON.
    pub(super) async fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, Failure> {
        let answer = self.ask(target, Some(PATIENCE)).await?;
        let text = body(answer, LONGEST).await?;
        // The text may have secrets, the place of the error has none.
        let unreadable = |error: serde_json::Error| {
            Failure::Unreadable(format!(
                "the answer is not as expected in column {}",
                error.column()
            ))
        };
        serde_json::from_slice(&text).map_err(unreadable)
    }

    /// Asks for a stream, which has no end.
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

    /// The labels of an image, or why they cannot be read.
    pub(super) async fn image_labels(&self, version: &str, id: &str) -> Result<Labels, String> {
        let image: Image = match self.get(&format!("{version}/images/{id}/json")).await {
            Ok(image) => image,
            Err(Failure::Refused(status, message)) => return Err(format!("{status}: {message}")),
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
        let message = message.unwrap_or_else(|_| "Docker refuses".to_owned());
        let status = StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        Err(Failure::Refused(status, message))
    }
}

async fn body(mut answer: reqwest::Response, longest: usize) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if text.len() + chunk.len() > longest {
            return Err(Failure::Unreadable(format!("the answer has more than {longest} bytes")));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}
