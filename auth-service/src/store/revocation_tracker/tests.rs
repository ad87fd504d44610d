use super::*;
use crate::model::ResourceUri;

const INVALIDATION_LEASE: Duration = Duration::from_hours(1);

struct Scene {
    tracker: RevocationTracker,
    grant: Identifier,
    jti: Identifier,
}

impl Scene {
    fn linked() -> Self {
        let tracker = RevocationTracker::new();
        tracker.linked(tracker.next_link());
        tracker.renew_lease(Instant::now(), INVALIDATION_LEASE);
        let id = |text| Identifier::parsed(text);
        Self { tracker, grant: id("G"), jti: id("J") }
    }

    fn seen(&self) -> LivenessEntry {
        let token = self.tracker.liveness(&self.grant, &self.jti);
        RevocationTracker::confirm(&token, self.tracker.lookup_time());
        token
    }

    fn knows(&self, token: &LivenessEntry) -> bool {
        self.tracker.is_known_live(token, || vec![Key::GenerationOfUser("alice").text()])
    }

    fn change(&self, key: &Key<'_>) {
        self.tracker.changed(key.text().as_bytes());
    }
}

#[test]
fn a_token_counts_until_it_or_its_grant_changes() {
    let scene = Scene::linked();
    let other = Identifier::parsed("other");
    for key in [Key::Grant(&scene.grant), Key::Access(&scene.grant, &scene.jti)] {
        let token = scene.seen();
        assert!(scene.knows(&token));
        scene.change(&Key::Grant(&other));
        scene.change(&Key::Access(&scene.grant, &other));
        assert!(scene.knows(&token));
        scene.change(&key);
        assert!(!scene.knows(&token));
    }
    let never = scene.tracker.liveness(&scene.grant, &scene.jti);
    assert!(!scene.knows(&never));
}

#[test]
fn a_token_counts_until_one_of_its_generations_changes() {
    let scene = Scene::linked();
    let token = scene.seen();
    scene.change(&Key::GenerationOfUser("bob"));
    assert!(scene.knows(&token));
    assert_eq!(scene.tracker.lookup_time(), Some(token.confirmed.load(SeqCst)), "renewed");
    scene.change(&Key::Grant(&Identifier::parsed("other")));
    scene.change(&Key::GenerationOfUser("alice"));
    assert!(!scene.knows(&token));
    assert!(!scene.knows(&token));
    assert!(scene.knows(&scene.seen()));
    // The change of the grant is older than the confirmation that the generations renew.
    let token = scene.seen();
    scene.change(&Key::Grant(&scene.grant));
    scene.change(&Key::GenerationOfUser("bob"));
    assert!(!scene.knows(&token));
    let token = scene.seen();
    scene.change(&Key::GenerationOfServer(&ResourceUri::parse("https://a.example/mcp").unwrap()));
    assert!(!scene.knows(&token), "its grant may include that server");
    // Nor does it undo that everything is unknown.
    let token = scene.seen();
    scene.tracker.forget();
    scene.change(&Key::GenerationOfUser("bob"));
    assert!(!scene.knows(&token) && !scene.knows(&token));
}

#[test]
fn an_answer_counts_as_of_the_moment_before_it_was_asked_for() {
    let scene = Scene::linked();
    let token = scene.tracker.liveness(&scene.grant, &scene.jti);
    let moment = scene.tracker.lookup_time();
    scene.change(&Key::Grant(&scene.grant));
    RevocationTracker::confirm(&token, moment);
    assert!(!scene.knows(&token));
}

#[test]
fn nothing_counts_without_a_link_or_after_it_was_lost() {
    let scene = Scene::linked();
    let token = scene.seen();
    scene.tracker.unlinked(99);
    assert!(scene.knows(&token), "a stale connection was lost");
    scene.tracker.unlinked(1);
    assert!(!scene.knows(&token));
    assert_eq!(scene.tracker.lookup_time(), None);
    scene.tracker.linked(2);
    assert!(!scene.knows(&token), "changes during the gap are unknown");
    assert!(scene.knows(&scene.seen()));
}

#[test]
fn silence_counts_only_for_the_length_of_the_lease() {
    let scene = Scene::linked();
    let token = scene.seen();
    scene.tracker.renew_lease(Instant::now(), Duration::ZERO);
    assert!(!scene.knows(&token));
    assert_eq!(scene.tracker.lookup_time(), None);
}

#[test]
fn too_many_changes_and_unknown_ones_mean_all() {
    let scene = Scene::linked();
    let token = scene.seen();
    for number in 0..=CHANGES {
        scene.tracker.changed(number.to_string().as_bytes());
    }
    assert!(!scene.knows(&token));
    let token = scene.seen();
    let all = PushInfo { kind: PushKind::Invalidate, data: vec![Value::Nil] };
    scene.tracker.handle_push(1, &all);
    assert!(!scene.knows(&token));
}
