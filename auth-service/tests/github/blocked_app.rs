//! An organization that permits only approved apps.

use auth_service::model::Membership::{Member, Unknown};
use log::Level;

use crate::{
    logged,
    support::{Setup, org, team, wanted},
};

#[tokio::test]
async fn the_operator_learns_who_must_approve_the_app() {
    logged::capture();
    let setup = Setup::start();
    let github = &setup.github;
    for org in ["acme", "beta", "open"] {
        github.join(org);
    }
    github.block_app("acme", true);
    let wanted = wanted(&["acme", "open"], &["acme/dev", "beta/dev"]);
    let token = setup.token(&wanted).await;
    let sighting = setup.facts(&token, &wanted).await.unwrap();
    assert_eq!((org(&sighting, "acme"), org(&sighting, "open")), (Unknown, Member));
    assert_eq!(team(&sighting, "acme/dev"), Unknown);

    let approval = format!("{}/settings/connections/applications/github-app", github.url);
    let warning = |org: &str| {
        let text = format!(
            "organization \"{org}\" blocks this OAuth app; an owner must approve it at {approval}"
        );
        (Level::Warn, format!("auth_service::upstream::github::blocked_app {text}"))
    };
    let warnings = || logged::lines(&approval);
    assert_eq!(warnings(), [warning("acme")], "once, and without the person");
    github.block_app("beta", true);
    setup.facts(&token, &wanted).await.unwrap();
    assert_eq!(warnings(), [warning("acme"), warning("beta")], "once for each organization");
    setup.clock.advance(3599);
    setup.facts(&token, &wanted).await.unwrap();
    assert_eq!(warnings().len(), 2);
    setup.clock.advance(1);
    setup.facts(&token, &wanted).await.unwrap();
    assert_eq!(warnings().len(), 4, "and again after an hour");
    for (_, line) in warnings() {
        assert!(!line.contains("octocat") && !line.contains("583231"), "{line}");
    }
}
