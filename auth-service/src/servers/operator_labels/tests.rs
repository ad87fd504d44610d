//! Tests with labels of images and of operators, merged like Docker does.

use proptest::prelude::*;

use super::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Merges labels like Docker does: those of the container override those of the image.
fn merged(image: &Labels, operator: &Labels) -> Labels {
    image.iter().chain(operator).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn counting(image: &[(&str, &str)], operator: &[(&str, &str)]) -> OperatorLabels {
    let (image, operator) = (labels(image), labels(operator));
    OperatorLabels::of(merged(&image, &operator), &image)
}

const EVIL: [(&str, &str); 9] = [
    ("traefik.enable", "true"),
    ("traefik.http.routers.evil.rule", "Host(`auth.gw.example`)"),
    ("traefik.http.routers.evil.entrypoints", "inside"),
    ("TRAEFIK.HTTP.Routers.api.Service", "api@internal"),
    ("traefik.tcp.routers.all.rule", "HostSNI(`*`)"),
    ("mcp.enable", "true"),
    ("Mcp.Name", "time"),
    ("mcp.allow", "*"),
    ("com.docker.compose.service", "auth"),
];

#[test]
fn s3_labels_of_an_image_are_dropped_in_any_case() {
    let counts = counting(&EVIL, &[]);
    assert_eq!(counts.labels, Labels::new());
    assert_eq!(counts.withheld, None);
    let ignored = counts.ignored.unwrap();
    assert!(ignored.starts_with("mcp.allow, mcp.enable, mcp.name, traefik.enable, "), "{ignored}");
}

#[test]
fn s3_labels_of_the_operator_beside_them_count() {
    let operator = [
        ("traefik.enable", "True"),
        ("traefik.http.routers.notes.middlewares", "mcp@file"),
        ("traefik.http.services.notes.loadbalancer.server.port", "3000"),
        ("mcp.enable", "True"),
        ("mcp.title", "Notes"),
    ];
    assert_eq!(counting(&EVIL, &operator).labels, labels(&operator));
    assert_eq!(
        counting(&[], &operator),
        OperatorLabels { labels: labels(&operator), ..OperatorLabels::default() }
    );
}

#[test]
fn s3_a_value_that_the_operator_overrides_is_the_operators() {
    let image = [("mcp.allow", "mallory"), ("mcp.title", "Evil")];
    let operator = [("mcp.enable", "true"), ("mcp.allow", "alice")];
    assert_eq!(counting(&image, &operator).labels, labels(&operator));
}

#[test]
fn s3_an_equal_label_is_stated_by_another_spelling() {
    let image = [("traefik.enable", "true")];
    assert_eq!(counting(&image, &[("traefik.enable", "true")]).labels, Labels::new());
    for operator in [("Traefik.Enable", "true"), ("traefik.enable", "True")] {
        assert_eq!(counting(&image, &[operator]).labels, labels(&[operator]));
    }
}

/// Checks that an image cannot lift a restriction of the operator by repeating it.
#[test]
fn s3_a_restriction_is_not_lifted_by_repeating_it() {
    let router = "traefik.http.routers.notes";
    let (guard, rule) = (format!("{router}.middlewares"), format!("{router}.rule"));
    let entry = format!("{router}.entrypoints");
    let operator = [
        ("traefik.enable", "True"),
        (guard.as_str(), "mcp@file"),
        (rule.as_str(), "Host(`notes.gw.example`) && ClientIP(`10.0.0.0/8`)"),
        (entry.as_str(), "office"),
        ("traefik.http.middlewares.near.ipallowlist.sourcerange", "10.0.0.0/8"),
        ("traefik.http.middlewares.near.ipallowlist.rejectstatuscode", "404"),
        ("mcp.enable", "True"),
        ("mcp.allow", "alice"),
        ("mcp.scopes", "notes"),
        ("mcp.tools", "delete=notes:admin"),
    ];
    for (key, value) in operator {
        let counts = counting(&[(key, value)], &operator);
        if key.ends_with(".enable") {
            assert!(
                counts.withheld.is_none() && counts.labels.len() == operator.len() - 1,
                "{key}"
            );
        } else {
            assert_eq!(counts.labels, Labels::new(), "{key}");
            assert!(counts.withheld.unwrap().contains(key));
        }
    }
    // The only label of the only router.
    let operator = [("traefik.enable", "True"), (guard.as_str(), "mcp@file")];
    assert_eq!(counting(&operator[1..], &operator).labels, Labels::new());
    // Without its TCP router, the container would get Traefik's default router.
    let tcp = [("traefik.tcp.routers.db.rule", "HostSNI(`db.gw.example`)")];
    assert!(counting(&tcp, &[("traefik.enable", "True"), tcp[0]]).withheld.is_some());
}

/// Checks labels of Compose, which sets two of them on the images that it builds as well.
#[test]
fn s3_the_service_of_compose_is_believed_of_a_container_of_compose() {
    let image = [
        ("com.docker.compose.project", "gateway"),
        ("com.docker.compose.service", "time"),
        ("com.docker.compose.version", "2.40.0"),
    ];
    let compose =
        [image[0], image[1], image[2], ("com.docker.compose.config-hash", "5d0e"), ("a", "b")];
    let counts = counting(&image, &compose);
    assert_eq!(counts.labels.get("com.docker.compose.service").map(String::as_str), Some("time"));
    assert_eq!(counts.labels.get("com.docker.compose.version"), None);
    assert_eq!(counting(&image, &[]).labels, Labels::new());
    // A container of `docker run` whose image pretends to be from Compose.
    let pretended = [image[1], ("com.docker.compose.config-hash", "5d0e")];
    assert_eq!(counting(&pretended, &[("a", "b")]).labels, labels(&[("a", "b")]));
}

#[test]
fn s3_notes_are_the_filters_own_and_survive_it() {
    let forged = [(IGNORED, "nothing"), (WITHHELD, "everything")];
    assert_eq!(counting(&[], &forged), OperatorLabels::default());
    let counts = counting(&EVIL, &[("mcp.enable", "True")]);
    assert_eq!(OperatorLabels::from_labels(counts.clone().into_labels()), counts);
    let long = "x".repeat(3 * LONGEST_NOTE);
    let key = format!("mcp.{long}");
    let counts = counting(&[(&key, "\n")], &[]);
    assert!(counts.ignored.unwrap().len() < LONGEST_NOTE + 8);
}

proptest! {
    /// Checks that the result contains only labels of the operator, and none that equals a label of
    /// the image.
    #[test]
    fn s3_nothing_of_an_image_is_left(
        image in proptest::collection::hash_map("(?i)(mcp|traefik)\\.[a-c]{1,2}", "[a-b]", 0..6),
        operator in proptest::collection::hash_map("(?i)(mcp|traefik)\\.[a-c]{1,2}", "[a-b]", 0..6),
    ) {
        let counts = OperatorLabels::of(merged(&image, &operator), &image);
        for (key, value) in &counts.labels {
            prop_assert_eq!(operator.get(key), Some(value));
            prop_assert_ne!(image.get(key), Some(value));
        }
    }
}
