//! Separates the labels that an operator set on a container from those of its image.
//!
//! Docker merges the labels of an image into its containers. A label with the same key and value as
//! one of the image may come from either, so it is dropped. Dropping it must not widen access: if
//! it may be a restriction that the operator set, all labels of the container are withheld.

use std::collections::{BTreeSet, HashMap};

/// Docker labels, from key to value.
pub(crate) type Labels = HashMap<String, String>;

/// The label in which a filtering proxy lists the keys that it dropped, for the log and the doctor.
const IGNORED: &str = "gateway.labels.ignored";

/// The label in which a filtering proxy explains why it withheld all labels of a container.
const WITHHELD: &str = "gateway.labels.withheld";

/// A hash that Compose sets on containers only, never on images.
const COMPOSE_HASH: &str = "com.docker.compose.config-hash";

/// Labels that Compose sets on its containers and also on the images that it builds. On a container
/// of Compose, they always come from Compose.
const COMPOSE_OWN: [&str; 2] = ["com.docker.compose.project", "com.docker.compose.service"];

/// The maximum length of a note about a container, in bytes.
const LONGEST_NOTE: usize = 1024;

/// The labels of a container without those of its image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OperatorLabels {
    /// The labels that the operator set.
    pub(crate) labels: Labels,
    /// The keys of Traefik and the gateway that were dropped, separated by commas.
    pub(crate) ignored: Option<String>,
    /// The reason why all labels were withheld, if they were.
    pub(crate) withheld: Option<String>,
}

impl OperatorLabels {
    /// Drops all labels from `container` that `image` has with the same value.
    pub(crate) fn of(mut container: Labels, image: &Labels) -> Self {
        container.retain(|key, _| ![IGNORED, WITHHELD].contains(&key.as_str()));
        let is_images = |key: &str, value: &String| image.get(key) == Some(value);
        let composed =
            container.get(COMPOSE_HASH).is_some_and(|value| !is_images(COMPOSE_HASH, value));
        let (dropped, labels): (Labels, Labels) =
            container.into_iter().partition(|(key, value)| {
                is_images(key, value) && !(composed && COMPOSE_OWN.contains(&key.as_str()))
            });
        let dropped = Folded::new(&dropped);
        let ignored = dropped.listed();
        match dropped.restriction_beside(&Folded::new(&labels)) {
            None => Self { labels, ignored, withheld: None },
            Some(key) => {
                let reason = note(&format!(
                    "all labels are ignored: its image has the label {key} with the same value, and \
                    without that label the others could permit more"
                ));
                Self { labels: Labels::new(), ignored, withheld: Some(reason) }
            }
        }
    }

    /// Withholds all labels of a container whose image is unknown.
    pub(crate) fn of_unknown_image(container: &Labels, why: &str) -> Self {
        let reason = note(&format!("all labels are ignored: its image cannot be inspected: {why}"));
        let withheld = concerns_gateway(container).then_some(reason);
        Self { withheld, ..Self::default() }
    }

    /// Returns the labels including the notes, as a filtering proxy passes them on.
    pub(crate) fn into_labels(self) -> Labels {
        let mut labels = self.labels;
        labels.extend(self.ignored.map(|keys| (IGNORED.to_owned(), keys)));
        labels.extend(self.withheld.map(|reason| (WITHHELD.to_owned(), reason)));
        labels
    }

    /// Restores the value from the result of [`Self::into_labels`].
    pub(crate) fn from_labels(mut labels: Labels) -> Self {
        let (ignored, withheld) = (labels.remove(IGNORED), labels.remove(WITHHELD));
        Self { labels, ignored, withheld }
    }
}

/// Returns `true` if at least one label concerns Traefik or the gateway.
pub(crate) fn concerns_gateway(labels: &Labels) -> bool {
    !Folded::new(labels).0.is_empty()
}

/// The labels that concern Traefik and the gateway, with lower-case keys, because both ignore case.
struct Folded<'a>(Vec<(String, &'a str)>);

impl<'a> Folded<'a> {
    fn new(labels: &'a Labels) -> Self {
        let folded = labels.iter().map(|(key, value)| (key.to_lowercase(), value.as_str()));
        let concern = |key: &str| key.starts_with("traefik.") || key.starts_with("mcp.");
        let mut folded: Vec<_> = folded.filter(|(key, _)| concern(key)).collect();
        folded.sort();
        Self(folded)
    }

    fn listed(&self) -> Option<String> {
        let keys: Vec<&str> = self.0.iter().map(|(key, _)| key.as_str()).collect();
        (!keys.is_empty()).then(|| note(&keys.join(", ")))
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    /// Returns the key of a dropped label (in `self`) that may be a restriction. Without it, the
    /// labels in `kept` could permit more than the operator intended.
    fn restriction_beside(&self, kept: &Self) -> Option<&str> {
        let of_server = || kept.keys().any(|key| key.starts_with("mcp."));
        let of_traefik = || kept.keys().any(|key| key.starts_with("traefik."));
        let objects: BTreeSet<&str> =
            kept.keys().filter_map(TraefikKey::parse).map(|key| key.object).collect();
        // Without a router, Traefik creates one from its default rule, which requires no token.
        let routed = kept.keys().any(|key| key.starts_with("traefik.http.routers."));
        let restricts = |(key, value): &&(String, &str)| match key.as_str() {
            // A list that contains * admits everyone, just like a missing list.
            "mcp.allow" => of_server() && !value.split(',').any(|user| user.trim() == "*"),
            "mcp.scopes" | "mcp.tools" => of_server(),
            key => TraefikKey::parse(key).is_some_and(|key| {
                let stated = objects.contains(key.object);
                match key.kind {
                    "routers" => {
                        of_traefik() && (!routed || stated) && restricts_router(key.option)
                    }
                    "middlewares" => stated,
                    _ => false,
                }
            }),
        };
        self.0.iter().find(restricts).map(|(key, _)| key.as_str())
    }
}

/// The parts of a Traefik key, such as `traefik.http.routers.NAME.rule`.
struct TraefikKey<'a> {
    /// `routers`, `middlewares` or `services`.
    kind: &'a str,
    /// The key up to the name of the object: `traefik.http.routers.NAME`.
    object: &'a str,
    /// The rest of the key: `rule`.
    option: &'a str,
}

impl<'a> TraefikKey<'a> {
    fn parse(key: &'a str) -> Option<Self> {
        let (_, kind) = key.strip_prefix("traefik.")?.split_once('.')?;
        let (kind, name) = kind.split_once('.')?;
        let (_, option) = name.split_once('.')?;
        let object = key.strip_suffix(option)?.trim_end_matches('.');
        Some(Self { kind, object, option })
    }
}

/// Returns `true` if a router without this option would accept more requests, or unchecked ones.
fn restricts_router(option: &str) -> bool {
    let name = option.split(['.', '[']).next().unwrap_or("");
    ["entrypoints", "middlewares", "rule", "rulesyntax", "tls"].contains(&name)
}

/// Returns `text` in a form that fits into a label and a log line: truncated, without control
/// characters.
fn note(text: &str) -> String {
    let mut note: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if note.len() > LONGEST_NOTE {
        note.truncate(note.floor_char_boundary(LONGEST_NOTE));
        note.push('…');
    }
    note
}

#[cfg(test)]
mod tests;
