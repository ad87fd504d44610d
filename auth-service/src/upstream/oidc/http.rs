//! The documents of an OpenID provider: JSON objects with a cache lifetime.

use std::time::Duration;

use reqwest::StatusCode;

use super::{
    super::{
        client_documents::max_age,
        json::Object,
        provider_http::{ProviderHttp, Sending},
    },
    error::OidcError,
};

/// The maximum size of an answer.
pub(super) const MAX_BYTES: usize = 512 * 1024;

/// A JSON object with the cache lifetime that the answer states.
pub(super) struct Document {
    pub(super) object: Object,
    pub(super) max_age: Duration,
}

/// Fetches a JSON object, with the access token `bearer` if there is one.
pub(super) async fn get(
    http: &ProviderHttp,
    url: &str,
    bearer: Option<&str>,
) -> Result<Document, OidcError> {
    let answer = http.get(url, "application/json", bearer).await?;
    if answer.status != StatusCode::OK {
        return Err(OidcError::Unavailable(format!("status {}", answer.status)));
    }
    let age = answer.header("age").and_then(|age| age.parse().ok()).unwrap_or(0);
    let max_age = max_age(answer.header("cache-control").unwrap_or_default());
    let max_age = Duration::from_secs(max_age.saturating_sub(age));
    let object = Object::parse(&answer.body).ok_or_else(|| {
        OidcError::Unavailable("the answer is not a JSON object without duplicates".to_owned())
    })?;
    Ok(Document { object, max_age })
}

impl From<Sending> for OidcError {
    fn from(error: Sending) -> Self {
        Self::Unavailable(error.to_string())
    }
}
