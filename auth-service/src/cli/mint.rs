//! Command `token mint`: issues personal access tokens.

use std::time::Duration;

use anyhow::ensure;
use clap::Args;

use super::{access::Access, moment::duration};
use crate::{model::User, oauth::NewToken};

/// Arguments of `token mint`.
#[derive(Debug, Args)]
pub(super) struct Mint {
    /// The user: NAME as in `user login-code`, or `github:ID` with the numeric account id.
    #[arg(long)]
    user: String,
    /// The GitHub login name, for allow lists that name people by it; it is compared with them for the
    /// whole lifetime of the token.
    #[arg(long, value_name = "NAME")]
    login: Option<String>,
    #[command(flatten)]
    access: Access,
    /// The lifetime, such as 90d, 12h, 30m or 3600s; at most 365d.
    #[arg(long, default_value = "90d", value_parser = duration)]
    expires: Duration,
    /// A label to recognize the token by in lists.
    #[arg(long)]
    label: Option<String>,
}

/// Mints a token and prints only the token.
pub(super) async fn run(mint: Mint) -> anyhow::Result<()> {
    let server = super::server().await?;
    if let Some(label) = &mint.label {
        ensure!(
            (1..=100).contains(&label.chars().count()) && !label.chars().any(char::is_control),
            "invalid --label; use 1 to 100 characters without control characters"
        );
    }
    let user = user(&mint.user, mint.login)?;
    let access = mint.access.resolve(&server)?;
    let new = NewToken { user, access, lifetime: mint.expires, label: mint.label };
    super::say(&server.tokens.mint_token(new, &super::operator::actor()).await?)
}

/// Returns the user as a login would identify them.
fn user(text: &str, login: Option<String>) -> anyhow::Result<User> {
    let Some((provider, id)) = text.split_once(':') else {
        ensure!(login.is_none(), "--login is only for GitHub accounts (--user github:ID)");
        return super::user::local(text);
    };
    let number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(
        provider == "github" && number,
        "invalid --user; write NAME, or github:ID with the numeric account id"
    );
    // Without a login name, no list of logins may match. The subject cannot, because no login has a colon.
    let name = login.unwrap_or_else(|| text.to_owned());
    Ok(User { subject: text.to_owned(), name, email: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_named_as_the_login_names_them() {
        assert_eq!(user("Ci", None).unwrap().subject, "local:ci");
        let octocat = user("github:583231", Some("octocat".to_owned())).unwrap();
        assert_eq!((&*octocat.subject, &*octocat.name), ("github:583231", "octocat"));
        assert_eq!(user("github:583231", None).unwrap().name, "github:583231");
        for bad in ["github:octocat", "client:1", "local:ci", "github:", "a b", ""] {
            assert!(user(bad, None).is_err(), "{bad}");
        }
    }
}
