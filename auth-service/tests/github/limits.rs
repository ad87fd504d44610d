//! Rate limits of GitHub: a pause for one account, which stops nobody else.

use auth_service::model::Membership::{Member, Unknown};
use gateway_tests::github::{Mood, Reply};

use crate::support::{ID, NOW, Setup, org, wanted};

const PATH: &str = "/user/memberships/orgs/acme";

/// A limited answer is the last one for `pause` seconds.
async fn pauses(reply: Reply, pause: i64) {
    let setup = Setup::start();
    setup.github.join("acme");
    let acme = wanted(&["acme"], &[]);
    let token = setup.token(&acme).await;
    let shown = format!("{reply:?}");
    setup.github.reply(PATH, Some(reply));
    assert_eq!(org(&setup.facts(&token, &acme).await.unwrap(), "acme"), Unknown, "{shown}");
    setup.github.reply(PATH, None);
    let asked = setup.github.count(PATH);
    setup.clock.advance(pause - 1);
    assert_eq!(org(&setup.facts(&token, &acme).await.unwrap(), "acme"), Unknown, "{shown}");
    assert_eq!(setup.github.count(PATH), asked, "asked too early: {shown}");
    setup.clock.advance(1);
    assert_eq!(org(&setup.facts(&token, &acme).await.unwrap(), "acme"), Member, "{shown}");
}

#[tokio::test]
async fn nothing_is_asked_until_the_limit_ends() {
    for status in [403, 429] {
        pauses(Reply::limit(status, NOW + 300), 300).await;
        pauses(Reply::error(status, "slow down").with("Retry-After", 30), 30).await;
        pauses(Reply::limit(status, NOW + 300).with("Retry-After", 30), 30).await;
        pauses(Reply::secondary_limit(status), 60).await;
        let headers_alone = Reply::error(status, "Forbidden")
            .with("X-RateLimit-Remaining", 0)
            .with("X-RateLimit-Reset", NOW + 300);
        pauses(headers_alone, 300).await;
    }
    pauses(Reply::error(429, ""), 60).await;
    pauses(Reply::limit(403, NOW + 1_000_000), 3600).await;
}

/// A stranger can use up a limit on purpose, but only their own.
#[tokio::test]
async fn the_limit_of_one_person_stops_nobody_else() {
    let setup = Setup::start();
    let acme = wanted(&["acme"], &[]);
    setup.github.reply(PATH, Some(Reply::limit(403, NOW + 3000)));
    setup.github.set(Mood::LogsIn { id: 666, login: "mallory".to_owned() });
    assert_eq!(org(&setup.log_in(&acme).await.unwrap(), "acme"), Unknown);
    setup.github.reply(PATH, None);
    setup.github.set(Mood::LogsIn { id: ID.parse().unwrap(), login: "octocat".to_owned() });
    setup.github.join("acme");
    assert_eq!(org(&setup.log_in(&acme).await.unwrap(), "acme"), Member);
}

/// The first limited answer ends the questions of a check, too.
#[tokio::test]
async fn a_limit_ends_the_questions_about_a_person() {
    let setup = Setup::start();
    let names: Vec<String> = (0..40).map(|number| format!("org-{number}")).collect();
    let wanted = wanted(&names.iter().map(String::as_str).collect::<Vec<_>>(), &["org-1/dev"]);
    for name in &names {
        let path = format!("/user/memberships/orgs/{name}");
        setup.github.reply(&path, Some(Reply::limit(403, NOW + 300)));
    }
    let sighting = setup.log_in(&wanted).await.unwrap();
    assert!(sighting.memberships.orgs.values().all(|&known| known == Unknown));
    assert!(sighting.memberships.teams.values().all(|&known| known == Unknown));
    let asked = setup.github.asked().len() - 2;
    assert!(asked <= 4, "{asked} questions besides the account and the address");
}
