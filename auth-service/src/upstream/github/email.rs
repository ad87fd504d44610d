//! The e-mail address of a person (`GET /user/emails`).

use reqwest::StatusCode;

use super::{
    super::{json::Object, text::is_address},
    api::{Api, message},
    rate_limit,
};
use crate::{config::GithubProvider, model::UnixTime};

/// The path of the addresses, all on one page.
const PATH: &str = "/user/emails?per_page=100";

/// The reason why it is open which address a person has.
#[derive(Debug)]
pub(super) struct NoAnswer(pub(super) String);

/// Returns `true` if the addresses of this provider are believed. GitHub itself proves them. An
/// Enterprise Server does not, so that the operator must vouch for them.
pub(super) fn are_believed(provider: &GithubProvider) -> bool {
    let is_github = provider.base_url.host_str() == Some("github.com")
        && provider.api_url.host_str() == Some("api.github.com");
    is_github || provider.trust_email
}

/// Returns the primary address if it is verified. Returns `None` if there is none, or if the app has
/// no permission to read it.
pub(super) async fn fetch(api: &Api<'_>, now: UnixTime) -> Result<Option<String>, NoAnswer> {
    let answer = api.get(PATH).await.map_err(|error| NoAnswer(error.to_string()))?;
    if answer.status == StatusCode::OK {
        let addresses: Vec<Object> = serde_json::from_slice(&answer.body)
            .map_err(|_| NoAnswer("the answer is not a list of addresses".to_owned()))?;
        return Ok(primary(&addresses));
    }
    let refused = matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
    if refused && message(&answer).is_some() && rate_limit::end(&answer, now).is_none() {
        return Ok(None);
    }
    Err(NoAnswer(format!("status {} for the e-mail addresses", answer.status)))
}

/// Returns the primary address if it is verified.
fn primary(addresses: &[Object]) -> Option<String> {
    let primary = addresses.iter().find(|one| one.is_true("primary") && one.is_true("verified"))?;
    primary.text("email").filter(|address| is_address(address)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn only_github_itself_proves_addresses() {
        let url = |text: &str| Url::parse(text).unwrap();
        let of = |base: &str, api: &str, trust_email| {
            are_believed(&GithubProvider {
                client_id: String::new(),
                client_secret: String::new().into(),
                base_url: url(base),
                api_url: url(api),
                trust_email,
            })
        };
        let (base, api) = ("https://github.com", "https://api.github.com");
        assert!(of(base, api, false));
        for (base, api) in [
            ("https://ghe.example", "https://ghe.example/api/v3"),
            ("https://github.com.evil.example", "https://api.github.com"),
            ("https://acme.ghe.com", "https://api.acme.ghe.com"),
            (base, "https://ghe.example/api/v3"),
            ("https://ghe.example/github.com", api),
        ] {
            assert!(!of(base, api, false), "{base} {api}");
            assert!(of(base, api, true), "{base} {api}");
        }
    }
}
