//! Mistakes in the file: a table of lines, and what is said about them with line and column.

use super::{people::toml_string, read};
use crate::access::{Document, Provider, ProviderKind};

/// Returns the problems as lines `LINE:COLUMN: …`.
pub(super) fn problems(text: &str) -> Vec<String> {
    match Document::read(text, &[]) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// Checks that the text has one problem, which begins and ends as stated.
pub(super) fn check(text: &str, place: &str, what: &str) {
    let found = problems(text);
    let text: String = text.chars().take(500).collect();
    let [problem] = &found[..] else { panic!("{found:#?}\n{text}") };
    assert!(problem.starts_with(&format!("{place}: ")), "{problem}\n{text}");
    assert!(problem.contains(what), "{problem}\n{text}");
}

#[test]
fn unknown_keys_are_mistakes() {
    let rule = "[[rule]]\nwho = [\"*\"]\nservers = [\"git\"]\n";
    for (text, place, what) in [
        ("logn = 1", "1:1", "did you mean \"login\""),
        ("Login = 1", "1:1", "did you mean \"login\""),
        ("[rules]\n", "1:2", "did you mean \"rule\""),
        ("[[tests]]\n", "1:3", "did you mean \"test\""),
        ("[providers.x]\n", "1:2", "did you mean \"provider\""),
        ("grace = \"1h\"", "1:1", "the keys of the file are login"),
        ("[login]\nalow = []", "2:1", "did you mean \"allow\""),
        ("[login]\nallow = []\nfrom = 1", "3:1", "the keys of [login] are allow, deny"),
        (&format!("{rule}severs = [\"x\"]"), "4:1", "did you mean \"servers\""),
        (&format!("{rule}tool = [\"x\"]"), "4:1", "did you mean \"tools\""),
        (&format!("{rule}effekt = \"deny\""), "4:1", "did you mean \"effect\""),
        (&format!("{rule}form = 2026-01-01T00:00:00Z"), "4:1", "did you mean \"from\""),
        (&format!("{rule}group = \"x\""), "4:1", "the keys of a rule are name"),
        ("[[test]]\nas = { provider = \"local\" }\nallow = [\"x\"]\nis = 1", "4:1", "did you mean"),
        ("[[test]]\nas = { provider = \"local\", team = [] }\ndeny = [\"x\"]", "2:28", "\"teams\""),
    ] {
        check(text, place, what);
    }
}

#[test]
fn values_of_other_types_are_mistakes() {
    let rule = "[[rule]]\nwho = [\"*\"]\nservers = [\"git\"]\n";
    for (text, place, what) in [
        ("login = []", "1:9", "must be a table"),
        ("[rule]\n", "1:1", "[[rule]]"),
        ("rule = [1]", "1:9", "[[rule]]"),
        ("login.allow = \"*\"", "1:15", "list of strings"),
        ("login.allow = [1]", "1:16", "write \"…\""),
        ("login.allow = [\"\"]", "1:16", "empty string"),
        ("[roles]\na = \"x\"", "2:5", "list of strings"),
        ("[roles]\na.b = [\"x\"]", "2:1", "quote a name with dots"),
        ("[roles]\n\" a\" = []", "2:1", "blanks"),
        ("[roles]\n\"\" = []", "2:1", "blanks"),
        ("[[rule]]\nwho = []\nservers = [\"git\"]", "2:7", "is empty"),
        ("[[rule]]\nwho = [\"\"]\nservers = [\"git\"]", "2:8", "empty string"),
        ("[[rule]]\nwho = [\"*\"]\nservers = []", "3:11", "is empty"),
        ("[[rule]]\nwho = [\"*\"]", "1:1", "needs \"servers\""),
        ("[[rule]]\nservers = [\"git\"]", "1:1", "needs \"who\""),
        ("[[rule]]\nwho = \"*\"\nservers = [\"git\"]", "2:7", "list of strings"),
        (&format!("{rule}effect = \"Deny\""), "4:10", "\"allow\" or \"deny\""),
        (&format!("{rule}effect = true"), "4:10", "write \"…\""),
        (&format!("{rule}tools = []"), "4:9", "is empty"),
        (&format!("{rule}tools = [\"a\", \"\"]"), "4:15", "empty string"),
        (&format!("{rule}clients = []"), "4:11", "is empty"),
        (&format!("{rule}scopes = []"), "4:10", "is empty"),
        (&format!("{rule}scopes = [\"a b\"]"), "4:11", "not a scope"),
        (&format!("{rule}scopes = [\"\u{e4}\"]"), "4:11", "not a scope"),
        (&format!("{rule}effect = \"deny\"\nscopes = [\"a\"]"), "5:11", "not with deny"),
        (&format!("{rule}until = 2026-01-01"), "4:9", "a time with a zone"),
        (&format!("{rule}until = 2026-01-01T00:00:00"), "4:9", "a time with a zone"),
        (&format!("{rule}until = \"2026-01-01T00:00:00Z\""), "4:9", "without quotes"),
        (&format!("{rule}until = 1767225600"), "4:9", "a time with a zone"),
        (&format!("{rule}name = \"a\\nb\""), "4:8", "control character"),
        (
            &format!("{rule}from = 2026-01-02T00:00:00Z\nuntil = 2026-01-02T00:00:00Z"),
            "1:1",
            "before",
        ),
    ] {
        check(text, place, what);
    }
}

#[test]
fn a_pattern_that_no_server_matches_is_a_mistake() {
    for bad in ["Git", "git_x", "db.*", "-git", "git-", "*-", "git/x", " git", "g\u{ef}t"] {
        let text = format!("[[rule]]\nwho = [\"*\"]\nservers = [\"ok\", {}]", toml_string(bad));
        check(&text, "3:18", "no server can be called");
    }
    for good in ["git", "*", "a*b", "db-*", "*-prod", "7"] {
        let text = format!("[[rule]]\nwho = [\"*\"]\nservers = [{}]", toml_string(good));
        assert_eq!(problems(&text), [""; 0]);
    }
}

#[test]
fn entries_that_mean_nobody_are_mistakes() {
    let frame = "[provider.okta]\n[provider.kc]\nunique_names = true\n\
        [provider.ghes]\nkind = \"github\"\n[roles]\nops = []";
    for (entry, what) in [
        (" ", "must be ASCII without blanks"),
        (" alice", "must be ASCII without blanks"),
        ("al ice", "must be ASCII without blanks"),
        ("\u{430}lice", "must be ASCII"),
        ("alice\n", "must be ASCII"),
        ("ali*", "not a wildcard"),
        ("alice@acme.com", "write email:PROVIDER:ADDRESS"),
        ("github:", "a login name is missing"),
        ("github:al*", "not a wildcard"),
        ("github: alice", "must be ASCII without blanks"),
        ("github:al ice", "must be ASCII without blanks"),
        ("github:\u{212a}im", "must be ASCII"),
        ("github:stra\u{df}e", "must be ASCII"),
        ("github:\u{663}", "must be ASCII"),
        ("github:org:acme", "no colon"),
        ("Github:alice", "write Github:*"),
        ("local:\u{e9}ve", "must be ASCII"),
        ("okta:alice", "write okta:*, or begin with one of"),
        ("okta:00u1", "write okta:*"),
        ("unheard:*", "there is no provider \"unheard\""),
        ("*:alice", "write *:*"),
        (":alice", "write :*"),
        ("id:github:", "must be printable ASCII"),
        ("id:github", "write id:PROVIDER:VALUE"),
        ("id:okta:\u{c9}", "must be printable ASCII"),
        ("id:okta: x", "without blanks at the ends"),
        ("id:*:x", "there is no provider"),
        ("id:unheard:x", "there is no provider \"unheard\"; the providers are"),
        ("id:OKTA:x", "there is no provider"),
        ("login:okta:alice", "set unique_names"),
        ("login:client:x", "write id:client:ID"),
        ("login:kc:", "is missing"),
        ("login:kc:a b", "must be ASCII without blanks"),
        ("login:kc:\u{e9}ve", "must be ASCII"),
        ("login:alice", "write login:PROVIDER:VALUE"),
        ("org:github:", "is missing"),
        ("org:github:ac me", "must be ASCII without blanks"),
        ("org:github:\u{430}cme", "must be ASCII"),
        ("org:github:*", "not a wildcard"),
        ("org:github:acme/dev", "write team:github:acme/dev"),
        ("org:okta:acme", "only GitHub has organizations"),
        ("org:local:acme", "only GitHub has organizations"),
        ("team:github:dev", "write team:github:ORG/TEAM"),
        ("team:github:acme/", "write team:github:ORG/TEAM"),
        ("team:github:/dev", "write team:github:ORG/TEAM"),
        ("team:github:a/b/c", "write team:github:ORG/TEAM"),
        ("team:github:acme/*", "not a wildcard"),
        ("team:github:acme/d\u{e9}v", "must be ASCII"),
        ("team:kc:acme/dev", "only GitHub"),
        ("group:okta:", "the group is missing"),
        ("group:staff", "write group:PROVIDER:VALUE"),
        ("grup:okta:staff", "did you mean \"group:okta:staff\""),
        ("groups:okta:staff", "did you mean \"group:"),
        ("Role:ops", "did you mean \"role:ops\""),
        ("email:okta:acme.com", "exactly one \"@\""),
        ("email:okta:a@b@acme.com", "exactly one \"@\""),
        ("email:okta:@acme.com", "exactly one \"@\""),
        ("email:okta:a@", "is missing"),
        ("email:okta:a b@acme.com", "exactly one \"@\""),
        ("email:okta:*@acme.com", "not a wildcard"),
        ("email:okta:a@acme.com.", "no dot at its ends"),
        ("email:okta:a@\u{430}cme.com", "must be ASCII"),
        ("domain:okta:@acme.com", "no \"@\""),
        ("domain:okta:a@acme.com", "no \"@\""),
        ("domain:okta:acme.com.", "no dot at its ends"),
        ("domain:okta:.acme.com", "no dot at its ends"),
        ("domain:okta:acme..com", "no dot at its ends"),
        ("domain:okta:*.acme.com", "not a wildcard"),
        ("domain:okta:ac me.com", "must be ASCII without blanks"),
        ("domain:okta:\u{430}cme.com", "must be ASCII"),
        ("domain:okta:", "is missing"),
        ("client:", "a client id must be printable"),
        ("client: x", "without blanks at the ends"),
        ("role:", "there is no role \"\""),
        ("role:opps", "did you mean \"ops\""),
        ("role:OPS", "there is no role \"OPS\"; did you mean \"ops\""),
        ("role:*", "there is no role \"*\""),
    ] {
        let text = format!("login.allow = [\"*\", {}]\n{frame}", toml_string(entry));
        check(&text, "1:21", what);
    }
}

#[test]
fn providers_have_names_of_their_own() {
    for (text, place, what) in [
        ("[provider.client]\n", "1:11", "a meaning of its own"),
        ("[provider.local]\n", "1:11", "a meaning of its own"),
        ("[provider.group]\n", "1:11", "a meaning of its own"),
        ("[provider.role]\n", "1:11", "a meaning of its own"),
        ("[provider.Okta]\n", "1:11", "lower-case letters"),
        ("[provider.o_k]\n", "1:11", "lower-case letters"),
        ("[provider.\"\"]\n", "1:11", "lower-case letters"),
        ("[provider.\"a:b\"]\n", "1:11", "lower-case letters"),
        ("[provider.github]\n", "1:1", "must have kind = \"github\""),
        ("[provider.github]\nkind = \"oidc\"", "1:1", "only a provider with kind"),
        ("[provider.x]\nkind = \"saml\"", "1:1", "must be \"oidc\" or \"github\""),
        ("[provider.x]\nkind = 1", "1:1", "must be \"oidc\" or \"github\""),
        ("[provider.x]\nunique_names = \"yes\"", "1:1", "true or false"),
        ("provider = 1", "1:12", "must be a table"),
        ("provider.x = 1", "1:14", "write [provider.x]"),
    ] {
        check(text, place, what);
    }
    let text =
        "[provider.github]\nkind = \"github\"\n[provider.okta]\nissuer = \"https://o.example\"\n";
    let document = read(text);
    let names: Vec<&str> = document.providers.iter().map(|one| &*one.provider.name).collect();
    assert_eq!(names, ["github", "okta"]);
    let issuer = document.providers[1].table.get("issuer").and_then(toml::Value::as_str);
    assert_eq!(issuer, Some("https://o.example"));
    assert_eq!((document.providers[1].place.line, document.providers[1].place.column), (3, 1));
}

#[test]
fn a_provider_may_be_declared_outside_the_file() {
    let text = "login.allow = [\"group:oidc:staff\"]";
    let document = read(text);
    let warnings: Vec<String> = document.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["1:16: the provider \"oidc\" is not declared in this file"]);
    let named = |name: &str| Provider {
        name: name.to_owned(),
        kind: ProviderKind::Oidc,
        unique_names: false,
    };
    assert_eq!(Document::read(text, &[named("oidc")]).unwrap().warnings, []);
    let problems = Document::read(text, &[named("okta")]).unwrap_err();
    assert!(problems[0].to_string().contains("there is no provider \"oidc\""), "{problems:?}");
    // Nothing says that names are unique there.
    check("login.allow = [\"login:oidc:alice\"]", "1:16", "set unique_names");
}

#[test]
fn tests_must_ask_something_of_somebody() {
    let person = "as = { provider = \"local\", id = \"x\" }";
    for (text, place, what) in [
        ("[[test]]\n".to_owned(), "1:1", "needs \"as\""),
        (format!("[[test]]\n{person}"), "1:1", "\"allow\" or \"deny\""),
        ("[[test]]\nallow = [\"git\"]".to_owned(), "1:1", "needs \"as\""),
        (format!("[[test]]\n{person}\nallow = []"), "3:9", "is empty"),
        ("[[test]]\nas = { id = \"1\" }\ndeny = [\"git\"]".to_owned(), "2:6", "needs \"provider\""),
        ("[[test]]\nas = \"x\"\ndeny = [\"git\"]".to_owned(), "2:6", "must be a table"),
        (format!("[[test]]\n{person}\nallow = [\"*\"]"), "3:10", "names no server"),
        (format!("[[test]]\n{person}\nallow = [\"git/\"]"), "3:10", "the tool is missing"),
        (format!("[[test]]\n{person}\nallow = [\"/x\"]"), "3:10", "names no server"),
        (format!("[[test]]\n{person}\nat = 2026-01-01\nallow = [\"git\"]"), "3:6", "a time with"),
        (
            "[[test]]\nas = { provider = \"x\", unknown = [\"age\"] }\ndeny = [\"git\"]".to_owned(),
            "2:35",
            "cannot be unknown",
        ),
        (
            "[[test]]\nas = { provider = \"x\", groups = \"a\" }\ndeny = [\"git\"]".to_owned(),
            "2:33",
            "a list of at most",
        ),
        (
            "[provider.y]\n[[test]]\nas = { provider = \"x\" }\ndeny = [\"git\"]".to_owned(),
            "3:19",
            "there is no provider",
        ),
    ] {
        check(&text, place, what);
    }
}

#[test]
fn text_that_is_no_toml_is_refused_with_its_place() {
    for (text, place) in [
        ("[login\n", "1:"),
        ("[login]\nallow = [\"a\"\n", "2:"),
        ("[login]\nallow = [\"a\"]\nallow = [\"b\"]", "3:1"),
        ("[login]\n[login]\n", "2:"),
        ("\n\u{e4} = 1", "2:1"),
        ("[[rule]]\nuntil = 2026-13-01T00:00:00Z", "2:"),
    ] {
        let found = problems(text);
        assert!(!found.is_empty() && found[0].starts_with(place), "{found:?}\n{text}");
    }
    assert_eq!(problems("\u{feff}[login]\nallow = [\"github:1\"]\r\n"), [""; 0]);
    // Columns count characters.
    check("[roles]\n\"\u{e4}\u{e4}\" = [\"\u{e4}\"]", "2:9", "must be ASCII");
}

#[test]
fn all_mistakes_are_reported_in_the_order_of_the_file() {
    let found =
        problems("[[rule]]\nwho = [\"x y\"]\nservers = []\n[login]\nalow = []\n[roles]\na = [1]");
    let places: Vec<&str> = found.iter().filter_map(|one| one.split(": ").next()).collect();
    assert_eq!(places, ["2:8", "3:11", "5:1", "7:6"], "{found:#?}");
}

#[test]
fn doubtful_lines_are_warned_of() {
    let document = read("[roles]\na = [\"group:okta:x*\"]\n[provider.okta]\n");
    let warnings: Vec<String> = document.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "2:6: \"*\" in the group \"x*\" is not a wildcard",
            "1:1: login.allow is empty, so nobody may log in",
        ]
    );
    let rules = read("[[rule]]\nwho = [\"*\"]\nservers = [\"git\", \"db-*\", \"x*\"]").policy;
    let unknown = rules.unknown_servers(&["git", "db-prod"]);
    let unknown: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    assert_eq!(unknown, ["1:1: there is no server \"x*\""]);
}

/// Cuts an example after every byte. A cut at the end of a line can be a policy, so files must be replaced as a whole.
#[test]
fn a_file_that_was_cut_inside_a_line_is_refused() {
    let text = include_str!("../../../../docs/access/team.toml");
    let mut refused = 0;
    for (end, _) in text.char_indices() {
        let cut = &text[..end];
        let line = cut.rsplit('\n').next().unwrap_or_default();
        let is_inside = line.contains('=') && !line.contains('#') && !text[end..].starts_with('\n');
        if is_inside && !line.trim_end().ends_with([']', '"']) {
            assert_ne!(problems(cut), [""; 0], "{line}");
            refused += 1;
        }
    }
    assert!(refused > 500, "{refused}");
}
