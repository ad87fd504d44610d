//! Limits of the file.

use super::{
    mistakes::{check, problems},
    read,
};
use crate::access::limits;

#[test]
fn roles_nest_four_levels_deep_and_never_in_a_circle() {
    let chain = |levels: usize| {
        let role = |level| format!("r{level} = [\"role:r{}\"]\n", level - 1);
        let roles = (2..=levels).map(role).collect::<String>();
        format!("login.allow = [\"role:r{levels}\"]\n[roles]\nr1 = [\"github:1\"]\n{roles}")
    };
    let person = super::facts(r#"{"provider": "github", "id": "1"}"#);
    let document = read(&chain(4));
    assert!(document.policy.admits(&document.policy.evidence(&person)));
    check(&chain(5), "7:1", "the role \"r5\" has more than 4 levels");
    check("[roles]\na = [\"role:a\"]", "2:1", "contains itself");
    let circle = problems(
        "[roles]\na = [\"role:b\"]\nb = [\"*\", \"role:c\"]\nc = [\"role:a\"]\nd = [\"role:a\"]",
    );
    let itself = circle.iter().filter(|one| one.contains("contains itself")).count();
    assert_eq!((circle.len(), itself), (4, 3), "{circle:?}");
}

#[test]
fn a_file_has_limits() {
    let rule = "[[rule]]\nwho = [\"*\"]\nservers = [\"git\"]\n";
    assert_eq!(problems(&rule.repeat(limits::RULES)), [""; 0]);
    check(&rule.repeat(limits::RULES + 1), "1501:1", "more than 500 rules");
    let long = format!("# {}\n", "x".repeat(limits::FILE));
    check(&long, "1:1", "larger than 256 kB");
    let list = |count: usize| format!("[{}]", vec!["\"github:1\""; count].join(","));
    assert_eq!(problems(&format!("login.allow = {}", list(limits::LIST))), [""; 0]);
    check(&format!("login.allow = {}", list(limits::LIST + 1)), "1:15", "more than 500 strings");
    let roles = |count| {
        let roles: Vec<String> = (0..count).map(|i| format!("r{i} = []")).collect();
        roles.join("\n")
    };
    assert_eq!(problems(&format!("[roles]\n{}", roles(limits::ROLES))), [""; 0]);
    check(&format!("[roles]\n{}", roles(limits::ROLES + 1)), "1:1", "more than 200 roles");
    let entry = format!("login.allow = [\"github:{}\"]", "1".repeat(limits::STRING));
    check(&entry, "1:16", "longer than 512 bytes");
    let many: Vec<String> = (0..21).map(|i| format!("r{i:02} = {}", list(limits::LIST))).collect();
    check(&format!("[roles]\n{}", many.join("\n")), "22:7", "or all 10000");
    let expectations = |count: usize| {
        let test = format!(
            "[[test]]\nas = {{ provider = \"local\" }}\ndeny = [{}]\n",
            vec!["\"git\""; 500].join(",")
        );
        let one = "[[test]]\nas = { provider = \"local\" }\ndeny = [\"git\"]\n";
        test.repeat(count / 500) + &one.repeat(count % 500)
    };
    assert_eq!(problems(&expectations(limits::EXPECTATIONS)), [""; 0]);
    check(&expectations(limits::EXPECTATIONS + 1), "13:1", "more than 2000 expectations");
    let groups = vec!["\"g\""; limits::FACTS + 1].join(",");
    let test =
        format!("[[test]]\nas = {{ provider = \"x\", groups = [{groups}] }}\ndeny = [\"git\"]");
    check(&test, "2:33", "at most 1000 strings");
}

#[test]
fn the_tool_patterns_of_a_server_have_a_limit() {
    let rule = |servers: &str, effect: &str, tools: std::ops::Range<usize>| {
        let tools: Vec<String> = tools.map(|i| format!("\"t{i}_*\"")).collect();
        let tools = tools.join(",");
        format!(
            "[[rule]]\nwho = [\"*\"]\nservers = [\"{servers}\"]\neffect = \"{effect}\"\ntools = [{tools}]\n"
        )
    };
    let most = limits::TOOL_PATTERNS;
    for (text, fits) in [
        (rule("git", "allow", 0..most), true),
        (rule("git", "allow", 0..most + 1), false),
        (rule("git", "deny", 0..most + 1), false),
        // The same patterns count once; allowed and denied ones count apart.
        (rule("git", "allow", 0..most) + &rule("git", "allow", 0..most), true),
        (rule("git", "allow", 0..most) + &rule("git", "deny", 0..most), true),
        (rule("git", "allow", 0..most) + &rule("db", "allow", most..most + 9), true),
        (rule("git", "allow", 0..most) + &rule("git", "allow", most..most + 1), false),
        (rule("git", "allow", 0..most) + &rule("g*", "allow", most..most + 1), false),
        (rule("g*", "allow", 0..most) + &rule("*t", "allow", most..most + 1), false),
        (rule("g*", "allow", 0..most) + &rule("d*", "allow", most..most + 1), true),
    ] {
        let found = problems(&text);
        assert_eq!(found.is_empty(), fits, "{found:?}\n{text}");
        assert!(fits || found[0].contains("at most 32 and 1024"), "{found:?}");
    }
    let long = format!(
        "[[rule]]\nwho = [\"*\"]\nservers = [\"git\"]\ntools = [\"{}\", \"{}\", \"{}\"]",
        "a".repeat(512),
        "b".repeat(512),
        "c"
    );
    check(&long, "1:1", "3 patterns, 1025 bytes");
}
