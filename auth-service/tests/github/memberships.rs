//! Memberships in the organizations and teams that the policy names.

use std::time::{Duration, Instant};

use auth_service::model::{
    Membership::{Member, NotMember, Unknown},
    WantedFacts,
};
use futures_util::future::join_all;
use gateway_tests::github::{Mood, Place, Reply};

use crate::support::{Setup, org, team, wanted};

#[tokio::test]
async fn a_member_has_accepted_the_invitation() {
    let setup = Setup::start();
    let github = &setup.github;
    github.join("acme");
    github.set_org("invited", Place::Invited);
    github.set_team("acme/dev", Place::Member);
    github.set_team("acme/sre", Place::Invited);
    let wanted = wanted(&["acme", "invited", "other"], &["acme/dev", "acme/sre", "acme/ops"]);
    let sighting = setup.log_in(&wanted).await.unwrap();
    let orgs = ["acme", "invited", "other"].map(|name| org(&sighting, name));
    assert_eq!(orgs, [Member, NotMember, NotMember]);
    let teams = ["acme/dev", "acme/sre", "acme/ops"].map(|name| team(&sighting, name));
    assert_eq!(teams, [Member, NotMember, NotMember]);
    github.leave("acme");
    let sighting = setup.log_in(&wanted).await.unwrap();
    assert_eq!((org(&sighting, "acme"), team(&sighting, "acme/dev")), (NotMember, NotMember));
}

#[tokio::test]
async fn only_what_the_policy_names_is_asked() {
    let setup = Setup::start();
    setup.github.join("acme");
    let sighting = setup.log_in(&wanted(&["acme"], &["acme/dev"])).await.unwrap();
    assert_eq!(sighting.memberships.orgs.len() + sighting.memberships.teams.len(), 2);
    let mut asked = setup.github.asked();
    asked.sort();
    let expected = [
        "/orgs/acme/teams/dev/memberships/octocat",
        "/user",
        "/user/emails",
        "/user/memberships/orgs/acme",
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn who_is_outside_an_organization_is_in_none_of_its_teams() {
    let setup = Setup::start();
    let dev = "/orgs/acme/teams/dev/memberships/octocat";
    // Its team would have another answer.
    setup.github.reply(dev, Some(Reply::new(200, r#"{"state": "active"}"#)));
    let sighting = setup.log_in(&wanted(&["acme"], &["acme/dev"])).await.unwrap();
    assert_eq!((team(&sighting, "acme/dev"), setup.github.count(dev)), (NotMember, 0));
    let sighting = setup.log_in(&wanted(&["acme-2"], &["acme/dev"])).await.unwrap();
    assert_eq!((team(&sighting, "acme/dev"), setup.github.count(dev)), (Member, 1));
}

/// An organization that hides itself hides its teams.
#[tokio::test]
async fn a_missing_team_of_an_unknown_organization_is_unknown() {
    let setup = Setup::start();
    let sighting = setup.log_in(&wanted(&[], &["acme/dev"])).await.unwrap();
    assert_eq!(team(&sighting, "acme/dev"), NotMember);
    setup.github.reply("/user/memberships/orgs/acme", Some(Reply::new(502, "")));
    let sighting = setup.log_in(&wanted(&["acme"], &["acme/dev"])).await.unwrap();
    assert_eq!((org(&sighting, "acme"), team(&sighting, "acme/dev")), (Unknown, Unknown));
    setup.github.join("acme");
    setup.github.set_team("acme/dev", Place::Member);
    let sighting = setup.log_in(&wanted(&["acme"], &["acme/dev"])).await.unwrap();
    assert_eq!((org(&sighting, "acme"), team(&sighting, "acme/dev")), (Unknown, Member));
}

#[tokio::test]
async fn a_token_without_the_scope_says_nothing() {
    let setup = Setup::start();
    setup.github.join("acme");
    setup.github.set_team("acme/dev", Place::Member);
    // The policy named no organization when the person logged in.
    let token = setup.token(&WantedFacts::default()).await;
    let sighting = setup.facts(&token, &wanted(&["acme"], &[])).await.unwrap();
    assert_eq!(org(&sighting, "acme"), Unknown);
    let sighting = setup.facts(&token, &wanted(&[], &["acme/dev"])).await.unwrap();
    assert_eq!(team(&sighting, "acme/dev"), Unknown, "GitHub hides the team");
}

#[tokio::test]
async fn names_are_segments_of_the_path() {
    let setup = Setup::start();
    let wanted = wanted(&["a/../../b", "..", ""], &["acme/x/../y", "acme/..", "acme", "a b/c?d"]);
    let sighting = setup.log_in(&wanted).await.unwrap();
    for path in [
        "/user/memberships/orgs/a%2F..%2F..%2Fb",
        "/orgs/acme/teams/x%2F..%2Fy/memberships/octocat",
        "/orgs/a%20b/teams/c%3Fd/memberships/octocat",
    ] {
        assert_eq!(setup.github.count(path), 1, "{:?}", setup.github.asked());
    }
    assert_eq!(setup.github.asked().len(), 5, "the account, the address, and these");
    assert_eq!((org(&sighting, ".."), org(&sighting, "")), (Unknown, Unknown));
    assert_eq!((team(&sighting, "acme/.."), team(&sighting, "acme")), (Unknown, Unknown));
}

#[tokio::test]
async fn a_renamed_person_is_asked_about_by_the_login_of_now() {
    let setup = Setup::start();
    setup.github.join("acme");
    setup.github.set_team("acme/dev", Place::Member);
    let wanted = wanted(&["acme"], &["acme/dev"]);
    let token = setup.token(&wanted).await;
    setup.github.rename("octocat-2");
    // Somebody else takes the login.
    setup.github.set(Mood::LogsIn { id: 7, login: "octocat".to_owned() });
    let sighting = setup.facts(&token, &wanted).await.unwrap();
    assert_eq!((sighting.id.as_str(), sighting.login.as_deref()), ("583231", Some("octocat-2")));
    assert_eq!((org(&sighting, "acme"), team(&sighting, "acme/dev")), (Member, Member));
    let other = setup.log_in(&wanted).await.unwrap();
    assert_eq!((other.id.as_str(), other.login.as_deref()), ("7", Some("octocat")));
    assert_eq!((org(&other, "acme"), team(&other, "acme/dev")), (NotMember, NotMember));
}

/// More questions without an answer than are asked at a time take no longer than one.
#[tokio::test]
async fn slow_answers_delay_nobody_for_long() {
    let setup = Setup::start();
    let silent = ["c", "d", "e", "f", "g", "h"];
    let silence = Reply::new(200, r#"{"state": "active"}"#).after(Duration::from_mins(1));
    for org in silent {
        setup.github.reply(&format!("/user/memberships/orgs/{org}"), Some(silence.clone()));
    }
    for org in ["a", "b"] {
        setup.github.join(org);
    }
    let begun = Instant::now();
    let all = wanted(&["a", "b", "c", "d", "e", "f", "g", "h"], &["a/x"]);
    let sighting = setup.log_in(&all).await.unwrap();
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(7) && took < Duration::from_secs(12), "{took:?}");
    assert_eq!((org(&sighting, "a"), org(&sighting, "b")), (Member, Member));
    assert_eq!(silent.map(|name| org(&sighting, name)), [Unknown; 6]);
    assert_eq!(team(&sighting, "a/x"), Unknown, "there was no time left");
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("org-{number}")).collect()
}

/// Logs in `people`, each of whom has a question about each of `orgs` organizations, and returns the
/// largest number of concurrent questions.
async fn most_at_once(people: usize, orgs: usize) -> usize {
    let setup = Setup::with(|provider| provider.trust_email = false);
    let names = numbered(orgs);
    let wanted = wanted(&names.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let slow = Reply::new(200, r#"{"state": "active"}"#).after(Duration::from_millis(400));
    for name in &names {
        setup.github.reply(&format!("/user/memberships/orgs/{name}"), Some(slow.clone()));
    }
    let token = setup.token(&WantedFacts::default()).await;
    let checks = join_all((0..people).map(|_| setup.facts(&token, &wanted))).await;
    for sighting in checks.into_iter().map(Result::unwrap) {
        assert!(sighting.memberships.orgs.values().all(|&known| known == Member));
    }
    setup.github.most_at_once()
}

#[tokio::test]
async fn concurrent_questions_are_limited_for_a_person_and_for_all() {
    let most = most_at_once(1, 24).await;
    assert_eq!(most, 4, "of one person");
    let most = most_at_once(24, 4).await;
    // A slow machine may reach fewer.
    assert!(most > 8 && most <= 32, "{most} of all");
}
