//! Answers about a membership: a yes, a no, or nothing.

use auth_service::model::{
    Membership::{self, Member, NotMember, Unknown},
    WantedFacts,
};
use gateway_tests::github::{Place, Reply};

use crate::support::{Setup, org, team, wanted};

const ORG: &str = "/user/memberships/orgs/acme";
const TEAM: &str = "/orgs/beta/teams/dev/memberships/octocat";
const SSO: &str = "required; url=https://github.com/orgs/acme/sso?authorization_request=x";

/// Returns what `reply` means for an organization and for a team.
async fn meaning(reply: Reply) -> [Membership; 2] {
    let setup = Setup::start();
    setup.github.reply(ORG, Some(reply.clone()));
    setup.github.reply(TEAM, Some(reply));
    let sighting = setup.log_in(&questions()).await.unwrap();
    assert_eq!((setup.github.count(ORG), setup.github.count(TEAM)), (1, 1));
    [org(&sighting, "acme"), team(&sighting, "beta/dev")]
}

fn questions() -> WantedFacts {
    wanted(&["acme"], &["beta/dev"])
}

#[tokio::test]
async fn an_answer_is_a_yes_or_a_no_only_in_the_form_of_github() {
    for (reply, expected) in [
        (Reply::new(200, r#"{"state": "active"}"#), Member),
        (Reply::new(200, r#"{"state": "pending"}"#), NotMember),
        (Reply::error(404, "Not Found"), NotMember),
        (
            Reply::new(200, r#"{"state": "active", "role": "member"}"#).with("X-GitHub-SSO", SSO),
            Member,
        ),
    ] {
        assert_eq!(meaning(reply.clone()).await, [expected; 2], "{reply:?}");
    }
}

#[tokio::test]
async fn any_other_answer_leaves_a_membership_unknown() {
    let large = format!(r#"{{"state": "active", "x": "{}"}}"#, "x".repeat(64 * 1024));
    for reply in [
        Reply::new(200, r#"{"state": "Active"}"#),
        Reply::new(200, r#"{"state": true}"#),
        Reply::new(200, r#"{"state": "pending", "state": "active"}"#),
        Reply::new(200, r#"{"state": "active", "state": "pending"}"#),
        Reply::new(200, r#"[{"state": "active"}]"#),
        Reply::new(200, "{}"),
        Reply::new(200, "<html>active"),
        Reply::new(200, large),
        Reply::new(204, ""),
        Reply::new(302, "").with("Location", "/api/v3/user/memberships/orgs/moved"),
        Reply::new(404, "<html>"),
        Reply::new(404, ""),
        Reply::error(404, "Not Found").with("X-GitHub-SSO", SSO),
        Reply::error(403, "Resource protected by SAML enforcement.").with("X-GitHub-SSO", SSO),
        Reply::error(403, "Resource not accessible by integration"),
        Reply::error(404, "Not Found").with("X-OAuth-Scopes", "read:user, user:email"),
        Reply::new(403, ""),
        Reply::error(401, "Bad credentials"),
        Reply::error(422, "Validation failed"),
        Reply::new(500, r#"{"state": "active"}"#),
        Reply::new(502, "<h1>Unicorn</h1>"),
    ] {
        assert_eq!(meaning(reply.clone()).await, [Unknown; 2], "{reply:?}");
    }
}

/// The scopes of a GitHub App are empty, and other scopes contain the needed one.
#[tokio::test]
async fn a_sufficient_token_can_get_a_no() {
    for scopes in ["", "read:org", "user, admin:org", "read:user,write:org"] {
        let reply = Reply::error(404, "Not Found").with("X-OAuth-Scopes", scopes);
        assert_eq!(meaning(reply).await, [NotMember; 2], "{scopes:?}");
    }
}

#[tokio::test]
async fn an_organization_with_single_sign_on_says_nothing() {
    let setup = Setup::start();
    setup.github.join("acme");
    setup.github.join("beta");
    setup.github.set_team("beta/dev", Place::Member);
    for org in ["acme", "beta"] {
        setup.github.require_sso(org, true);
    }
    let sighting = setup.log_in(&questions()).await.unwrap();
    assert_eq!((org(&sighting, "acme"), team(&sighting, "beta/dev")), (Unknown, Unknown));
    for org in ["acme", "beta"] {
        setup.github.require_sso(org, false);
    }
    let sighting = setup.log_in(&questions()).await.unwrap();
    assert_eq!((org(&sighting, "acme"), team(&sighting, "beta/dev")), (Member, Member));
}
