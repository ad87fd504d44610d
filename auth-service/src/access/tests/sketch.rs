//! Random policies and questions, from a small vocabulary so that rules often meet.

use std::fmt::Write;

use serde_json::{Value, json};

use super::NOON;
use crate::model::UnixTime;

/// A pseudorandom generator (`SplitMix64`), so that a seed reproduces a policy.
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// Returns `true` in `percent` of all cases.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn one<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }

    /// Returns `least` to `most` elements of `list`, with repetitions.
    fn some<'a>(&mut self, list: &[&'a str], least: usize, most: usize) -> Vec<&'a str> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| self.one(list)).collect()
    }

    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            list.swap(end, self.below(end + 1));
        }
    }
}

const ENTRIES: [&str; 36] = [
    "*",
    "github:*",
    "local:*",
    "okta:*",
    "client:*",
    "id:github:1",
    "github:2",
    "id:okta:u1",
    "id:okta:u2",
    "alice",
    "github:ALICE",
    "login:github:bob",
    "local:kid",
    "login:local:alice",
    "org:github:acme",
    "org:github:Other",
    "team:github:acme/dev",
    "team:github:ACME/sre",
    "group:okta:staff",
    "group:okta:admins",
    "group:okta:/admins",
    "group:kc:admins",
    "group:okta:*",
    "group:okta:role:a",
    "email:okta:a@acme.com",
    "email:kc:A@acme.com",
    "domain:okta:acme.com",
    "domain:okta:ACME.com",
    "domain:kc:evil.com",
    "client:nightly",
    "client:https://a.example/c",
    "role:a",
    "role:b",
    "role:c",
    "role:d",
    "org:github:acme",
];
/// The entries without roles, which come last but one.
const FACTS: usize = 31;
const ROLES: [&str; 4] = ["a", "b", "c", "d"];
const SERVER_PATTERNS: [&str; 9] =
    ["*", "git", "db-*", "db-prod", "*-prod", "g*", "crm", "*i*", "d*-*"];
const TOOL_PATTERNS: [&str; 9] =
    ["*", "read_*", "write_*", "*_all", "delete_x", "read_a", "r*_*l", "Write_*", "d*"];
const CLIENT_PATTERNS: [&str; 6] =
    ["*", "https://a.example/*", "cli", "c*", "nightly", "https://*/c"];
const SCOPES: [&str; 3] = ["read", "write", "admin"];
const SERVERS: [&str; 5] = ["git", "db-prod", "db-test", "crm", "x"];
const TOOLS: [&str; 7] =
    ["read_a", "read_all", "write_a", "WRITE_a", "delete_x", "Delete_x", "other"];

/// Returns a policy as TOML.
pub(super) fn policy(random: &mut Random) -> String {
    let mut text = String::from("[login]\n");
    let allow = if random.chance(70) { vec!["*"] } else { random.some(&ENTRIES, 0, 4) };
    list(&mut text, "allow", &allow);
    if random.chance(20) {
        list(&mut text, "deny", &random.some(&ENTRIES, 0, 2));
    }
    text.push_str("[roles]\n");
    for (level, role) in ROLES.into_iter().enumerate() {
        // A role contains only roles before it, so that they nest at most four levels deep.
        list(&mut text, role, &random.some(&ENTRIES[..FACTS + level], 0, 3));
    }
    for _ in 0..random.below(7) {
        text.push_str(&rule(random));
    }
    text
}

/// Returns a rule as TOML.
pub(super) fn rule(random: &mut Random) -> String {
    let mut text = String::from("[[rule]]\n");
    let deny = random.chance(30);
    if deny || random.chance(20) {
        writeln!(text, "effect = \"{}\"", if deny { "deny" } else { "allow" }).unwrap();
    }
    let who = if !deny && random.chance(30) { vec!["*"] } else { random.some(&ENTRIES, 1, 3) };
    list(&mut text, "who", &who);
    if random.chance(30) {
        list(&mut text, "not", &random.some(&ENTRIES, 0, 2));
    }
    list(&mut text, "servers", &random.some(&SERVER_PATTERNS, 1, 2));
    if random.chance(45) {
        list(&mut text, "tools", &random.some(&TOOL_PATTERNS, 1, 3));
    }
    if random.chance(20) {
        list(&mut text, "clients", &random.some(&CLIENT_PATTERNS, 1, 2));
    }
    if !deny && random.chance(25) {
        list(&mut text, "scopes", &random.some(&SCOPES, 1, 2));
    }
    let (from, until) = (random.below(8), random.below(8));
    if random.chance(15) {
        writeln!(text, "from = {}", hour(from)).unwrap();
    }
    if random.chance(15) && from < until {
        writeln!(text, "until = {}", hour(until)).unwrap();
    }
    text
}

fn list(text: &mut String, key: &str, items: &[&str]) {
    let items: Vec<String> = items.iter().map(|item| format!("\"{item}\"")).collect();
    writeln!(text, "{key} = [{}]", items.join(", ")).unwrap();
}

/// Returns a time of the day that the questions are about.
fn hour(hour: usize) -> String {
    format!("2026-11-30T{:02}:00:00Z", 8 + hour)
}

/// Returns a time of that day, at an hour or a second before it.
pub(super) fn time(random: &mut Random) -> UnixTime {
    let hours = i64::try_from(random.below(10)).unwrap() - 5;
    UnixTime(NOON.0 + hours * 3_600 - i64::from(random.chance(30)))
}

/// Returns the facts of a person, as the members of `as`.
pub(super) fn person(random: &mut Random) -> Value {
    let provider = random.one(&["github", "github", "okta", "okta", "kc", "local", "client"]);
    let mut facts = json!({ "provider": provider });
    let ids = match provider {
        "github" => ["1", "2", "3"],
        "client" => ["nightly", "https://a.example/c", "x"],
        _ => ["u1", "u2", "kid"],
    };
    facts["id"] = random.one(&ids).into();
    for (key, percent, values) in [
        ("login", 80, &["alice", "Alice", "BOB", "kid", "\u{430}lice"][..]),
        (
            "verified_email",
            50,
            &["a@acme.com", "A@ACME.com", "a@evil.com@acme.com", "a@sub.acme.com", "b@evil.com"],
        ),
        ("client", 70, &["cli", "https://a.example/c", "web", "nightly"]),
    ] {
        // A client that acts for itself is the client in use.
        if random.chance(percent) && (provider != "client" || key != "client") {
            facts[key] = random.one(values).into();
        }
    }
    for (key, values) in [
        ("orgs", &["acme", "ACME", "other", "third"][..]),
        ("teams", &["acme/dev", "Acme/SRE", "acme/ops"]),
        ("groups", &["staff", "admins", "/admins", "*", "role:a", "Staff"]),
    ] {
        if random.chance(60) {
            facts[key] = random.some(values, 0, 3).into();
        }
    }
    if random.chance(35) {
        let kinds = ["orgs", "teams", "groups", "login", "verified_email", "client"];
        let most = if provider == "client" { 5 } else { 6 };
        let mut unknown = random.some(&kinds[..most], 1, 2);
        unknown.dedup();
        facts["unknown"] = unknown.into();
    }
    facts
}

/// Returns a server, or a server and a tool.
pub(super) fn target(random: &mut Random) -> String {
    let server = random.one(&SERVERS);
    if random.chance(30) { server.to_owned() } else { format!("{server}/{}", random.one(&TOOLS)) }
}
