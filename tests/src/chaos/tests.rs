//! Histories made by hand: each guarantee is broken once, and what faults explain is not a violation.

use super::{
    history::{Act, Consent, Entry, Id, Micros, Outcome, Path, Target, Tokens, Way},
    model,
    violation::Kind,
};

const SECOND: Micros = 1_000_000;

/// A history in which each operation takes a tenth of a second, one a second.
#[derive(Default)]
struct Story {
    entries: Vec<Entry>,
    now: Micros,
}

fn id(name: &str) -> Id {
    Id::of(name)
}

fn tokens(number: u64) -> Outcome<Tokens> {
    let refresh = id(&format!("refresh {number}"));
    Outcome::Done(Tokens { access: id(&format!("access {number}")), refresh })
}

fn lost<T>() -> Outcome<T> {
    Outcome::Unknown("lost".into())
}

fn refused<T>() -> Outcome<T> {
    Outcome::Refused("invalid_grant".into())
}

impl Story {
    fn add(&mut self, act: Act) -> &mut Self {
        self.now += SECOND;
        self.entries.push(Entry { began: self.now, ended: self.now + SECOND / 10, act });
        self
    }

    fn wait(&mut self, seconds: u64) -> &mut Self {
        self.now += seconds * SECOND;
        self
    }

    /// Adds an operation that begins as soon as the one before has ended.
    fn at_once(&mut self, act: Act) -> &mut Self {
        let began = self.entries.last().map_or(0, |entry| entry.ended) + 1;
        self.entries.push(Entry { began, ended: began + 10, act });
        self
    }

    fn consent(&mut self) -> &mut Self {
        let outcome = Outcome::Done(Consent { code: id("code"), session: Some(id("session")) });
        let (person, client) = ("alice".to_owned(), id("client"));
        self.add(Act::Consent { person, client, outcome })
    }

    fn redeem(&mut self, outcome: Outcome<Tokens>) -> &mut Self {
        self.add(Act::Redeem(id("code"), Path::Edge, outcome))
    }

    fn refresh(&mut self, number: u64, outcome: Outcome<Tokens>) -> &mut Self {
        let token = id(&format!("refresh {number}"));
        self.add(Act::Refresh(token, Path::Edge, outcome))
    }

    fn call(&mut self, number: u64, outcome: Outcome<()>) -> &mut Self {
        self.add(Act::Call(id(&format!("access {number}")), Path::Instance(1), outcome))
    }

    fn revoke(&mut self, target: Target, way: Way, outcome: Outcome<()>) -> &mut Self {
        self.add(Act::Revoke(target, way, outcome))
    }

    fn list(&mut self, count: usize) -> &mut Self {
        self.add(Act::List(vec![(id("client"), count)]))
    }

    fn page(&mut self, knows: bool) -> &mut Self {
        let (person, client, session) = ("alice".to_owned(), id("client"), Some(id("session")));
        self.add(Act::Page { person, client, session, outcome: Outcome::Done(knows) })
    }

    fn found(&self) -> Vec<Kind> {
        let verdict = model::check(&self.entries);
        for violation in &verdict.violations {
            assert!(!violation.entries.is_empty(), "a violation without a history");
        }
        verdict.violations.iter().map(|violation| violation.kind).collect()
    }

    fn notes(&self) -> usize {
        model::check(&self.entries).notes.values().sum()
    }
}

/// A history with one grant that is in use.
fn story() -> Story {
    let mut story = Story::default();
    story.consent().redeem(tokens(1)).call(1, Outcome::Done(()));
    story
}

fn person() -> Target {
    Target::Person("alice".into())
}

const DONE: Outcome<()> = Outcome::Done(());

#[test]
fn a_history_without_faults_is_good() {
    let mut story = story();
    story.list(1).page(true).refresh(1, tokens(2)).call(2, DONE).call(1, DONE);
    story.revoke(Target::Refresh(id("refresh 2")), Way::Endpoint, DONE);
    story.call(2, refused()).refresh(2, refused()).list(0);
    assert_eq!(story.found(), []);
}

#[test]
fn a_code_that_yields_two_grants_is_found() {
    assert_eq!(story().redeem(tokens(2)).found(), [Kind::TwoGrants]);
    assert_eq!(story().redeem(refused()).found(), []);
    assert_eq!(story().list(2).found(), [Kind::TwoGrants]);
}

#[test]
fn two_different_successors_are_found() {
    let two = [Kind::TwoSuccessors];
    assert_eq!(story().refresh(1, tokens(2)).refresh(1, tokens(3)).found(), two);
    assert_eq!(story().refresh(1, tokens(2)).refresh(1, tokens(2)).found(), []);
    // One that was lost may have been any.
    assert_eq!(story().refresh(1, lost()).refresh(1, tokens(3)).found(), []);
}

#[test]
fn a_successor_of_two_tokens_is_found() {
    let mut story = story();
    story.refresh(1, tokens(2)).refresh(2, tokens(3)).refresh(3, tokens(2));
    assert!(story.found().contains(&Kind::TwoSuccessors));
}

#[test]
fn an_access_token_that_is_accepted_after_its_revocation_is_found() {
    for target in [person(), Target::Client(id("client")), Target::Access(id("access 1"))] {
        let revoked =
            |outcome| story().revoke(target.clone(), Way::Command, outcome).call(1, DONE).found();
        assert_eq!(revoked(DONE), [Kind::RevokedAccepted], "{target:?}");
        assert_eq!(revoked(lost()), [], "{target:?}");
    }
    let both = Target::PersonAtClient("alice".into(), id("client"));
    assert_eq!(
        story().revoke(both, Way::Command, DONE).call(1, DONE).found(),
        [Kind::RevokedAccepted]
    );
}

#[test]
fn a_call_right_after_an_acknowledged_revocation_is_found() {
    for way in [Way::Endpoint, Way::Command] {
        let mut story = story();
        story.revoke(Target::Refresh(id("refresh 1")), way, DONE);
        story.at_once(Act::Call(id("access 1"), Path::Edge, DONE));
        assert_eq!(story.found(), [Kind::RevokedAccepted], "{way:?}");
    }
}

#[test]
fn a_refresh_token_or_a_code_that_is_accepted_after_its_revocation_is_found() {
    let revoked = [Kind::RevokedAccepted];
    assert_eq!(story().revoke(person(), Way::Command, DONE).refresh(1, tokens(2)).found(), revoked);
    let mut code = Story::default();
    code.consent().revoke(person(), Way::Command, DONE).redeem(tokens(1));
    assert_eq!(code.found(), revoked);
    assert_eq!(story().revoke(person(), Way::Command, DONE).list(1).found(), revoked);
}

#[test]
fn a_consent_after_a_revocation_or_during_it_is_not_revoked() {
    let mut after = Story::default();
    after.revoke(person(), Way::Command, DONE).consent().redeem(tokens(1)).call(1, DONE);
    assert_eq!(after.found(), []);
    assert_eq!(after.call(1, refused()).found(), [Kind::GrantLost]);
    let mut during = Story::default();
    let act = Act::Revoke(person(), Way::Command, DONE);
    during.entries.push(Entry { began: 0, ended: 1_050_000, act });
    during.consent().redeem(tokens(1)).call(1, DONE);
    assert_eq!(during.found(), []);
    assert_eq!(during.call(1, refused()).found(), []);
}

#[test]
fn an_acknowledged_grant_that_is_refused_is_found() {
    assert_eq!(story().call(1, refused()).found(), [Kind::GrantLost]);
    assert_eq!(story().call(1, lost()).found(), []);
    assert_eq!(story().list(0).found(), [Kind::GrantLost]);
}

#[test]
fn the_revocation_of_one_access_token_ends_no_other() {
    let revoked = || {
        let mut story = story();
        story.refresh(1, tokens(2));
        story.revoke(Target::Access(id("access 1")), Way::Command, DONE);
        story
    };
    assert_eq!(revoked().call(1, refused()).call(2, DONE).refresh(2, tokens(3)).found(), []);
    assert_eq!(revoked().call(2, refused()).found(), [Kind::GrantLost]);
    assert_eq!(revoked().refresh(2, refused()).found(), [Kind::LoggedOut]);
}

#[test]
fn a_refresh_token_that_is_refused_is_found() {
    assert_eq!(story().refresh(1, refused()).found(), [Kind::LoggedOut]);
    assert_eq!(story().refresh(1, lost()).refresh(1, refused()).found(), [Kind::LoggedOut]);
    assert_eq!(story().revoke(person(), Way::Command, lost()).refresh(1, refused()).found(), []);
}

#[test]
fn a_replay_ends_a_grant_and_a_retry_does_not() {
    let mut replay = story();
    replay.refresh(1, tokens(2)).refresh(2, tokens(3)).refresh(1, refused()).refresh(3, refused());
    assert_eq!(replay.found(), []);
    let mut retry = story();
    retry.refresh(1, tokens(2)).refresh(1, tokens(2)).refresh(2, refused());
    assert_eq!(retry.found(), [Kind::LoggedOut]);
    assert_eq!(story().redeem(refused()).call(1, refused()).found(), [Kind::GrantLost]);
    assert_eq!(story().wait(11).redeem(refused()).call(1, refused()).found(), []);
}

#[test]
fn a_request_that_was_lost_may_still_be_a_replay() {
    let mut soon = story();
    soon.refresh(1, lost()).refresh(1, tokens(2)).refresh(2, tokens(3)).refresh(3, refused());
    assert_eq!(soon.found(), []);
    let mut later = story();
    later
        .refresh(1, lost())
        .refresh(1, tokens(2))
        .wait(20)
        .refresh(2, tokens(3))
        .refresh(3, refused());
    assert_eq!(later.found(), [Kind::LoggedOut]);
}

#[test]
fn a_browser_that_is_logged_out_is_found() {
    assert_eq!(story().page(false).found(), [Kind::LoggedOut]);
    assert_eq!(story().revoke(person(), Way::Command, DONE).page(false).found(), []);
    assert_eq!(
        story().revoke(Target::Client(id("client")), Way::Command, DONE).page(false).found(),
        [Kind::LoggedOut]
    );
    let mut before = Story::default();
    before.consent().page(false);
    assert_eq!((before.found(), before.notes()), (vec![], 1));
}

#[test]
fn a_stream_that_outlives_its_grant_is_found() {
    let stream = |life| {
        let mut story = story();
        story.revoke(person(), Way::Command, DONE);
        let began = story.entries[2].ended;
        story.entries.push(Entry { began, ended: began + life, act: Act::Stream(id("access 1")) });
        story.found()
    };
    assert_eq!(stream(60 * SECOND), [Kind::StreamOutlived]);
    assert_eq!(stream(5 * SECOND), []);
}

#[test]
fn a_code_that_was_lost_before_its_redemption_is_noted() {
    let mut story = Story::default();
    story.consent().redeem(refused());
    assert_eq!((story.found(), story.notes()), (vec![], 1));
    let mut rivals = Story::default();
    rivals.consent().redeem(lost()).redeem(refused());
    assert_eq!((rivals.found(), rivals.notes()), (vec![], 0));
}
