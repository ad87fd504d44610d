use super::*;

/// Parses a file with the single server `x`.
fn entry(text: &str) -> Result<Option<Map<String, Value>>, String> {
    match read(&format!("{{\"mcpServers\": {{\"x\": {text}}}}}")) {
        Ok(mut servers) => {
            let entry = servers.stated.pop().map(|stated| stated.entry);
            assert_eq!(servers.disabled, ["x"][usize::from(entry.is_some())..]);
            Ok(entry)
        }
        Err(problems) => {
            let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Err(all.join("\n"))
        }
    }
}

#[test]
fn p9_a_disabled_server_is_left_out() {
    for text in [
        r#"{"command": "x", "disabled": true}"#,
        r#"{"command": "x", "enabled": false}"#,
        r#"{"disabled": true, "timeout": 60, "comand": 5}"#,
    ] {
        assert_eq!(entry(text), Ok(None), "{text}");
    }
    for text in [r#"{"command": "x", "disabled": false}"#, r#"{"command": "x", "enabled": true}"#] {
        assert!(entry(text).unwrap().is_some(), "{text}");
    }
    for text in [
        r#"{"command": "x", "disabled": "true"}"#,
        r#"{"command": "x", "disabled": 1}"#,
        r#"{"command": "x", "enabled": true, "disabled": true}"#,
    ] {
        assert!(entry(text).unwrap_err().contains("\"disabled\""), "{text}");
    }
}

#[test]
fn p9_the_type_agrees_with_the_rest() {
    for text in [
        r#"{"type": "stdio", "command": "x"}"#,
        r#"{"type": "local", "command": "x"}"#,
        r#"{"transportType": "stdio", "command": "x", "url": ""}"#,
        r#"{"type": "http", "url": "http://x/mcp"}"#,
        r#"{"type": "streamable-http", "url": "http://x/mcp"}"#,
        r#"{"type": "streamableHttp", "url": "http://x/mcp", "env": {}, "args": []}"#,
        r#"{"url": "http://x/mcp", "command": null}"#,
    ] {
        assert!(entry(text).unwrap().is_some(), "{text}");
    }
    for (text, what) in [
        (r#"{"type": "http", "command": "x"}"#, "\"http\""),
        (r#"{"type": "stdio", "url": "http://x/mcp"}"#, "\"stdio\""),
        (r#"{"type": "sse", "url": "http://x/sse"}"#, "\"sse\""),
        (r#"{"type": "ws", "url": "ws://x"}"#, "\"ws\""),
        (r#"{"type": 5, "command": "x"}"#, "\"type\""),
        (r#"{"type": "stdio", "transport": "http", "command": "x"}"#, "\"transport\""),
        (r#"{"command": "x", "url": "http://x/mcp"}"#, "not both"),
        (r#"{"args": []}"#, "\"command\""),
        (r#"{"command": ""}"#, "\"command\""),
        (r#"{"url": "http://x/mcp", "env": {"A": "b"}}"#, "\"env\""),
        (r#"{"url": "http://x/mcp", "tools": ["a"]}"#, "\"tools\""),
        (r#"{"url": "http://x/mcp", "tools": {"deny": ["a"]}}"#, "\"tools\""),
        (r#"{"url": "http://x/mcp", "stepUpTools": "list"}"#, "\"stepUpTools\""),
    ] {
        let problem = entry(text).unwrap_err();
        assert!(problem.contains(what), "{text}: {problem}");
    }
}

#[test]
fn p9_what_a_client_would_do_is_refused_by_name() {
    for (key, value) in [
        ("headers", r#"{"Authorization": "Bearer x"}"#),
        ("timeout", "60"),
        ("autoApprove", r#"["read"]"#),
        ("alwaysAllow", r#"["read"]"#),
        ("trust", "true"),
        ("envFile", "\".env\""),
        ("includeTools", r#"["read"]"#),
        ("excludeTools", r#"["write"]"#),
        ("disabledTools", r#"["write"]"#),
    ] {
        for rest in ["\"command\": \"x\"", "\"url\": \"http://x/mcp\""] {
            let problem = entry(&format!("{{{rest}, \"{key}\": {value}}}")).unwrap_err();
            assert!(
                problem.contains(&format!("server \"x\": \"{key}\" has no effect")),
                "{problem}"
            );
        }
        let nothing = format!("{{\"command\": \"x\", \"{key}\": null}}");
        assert!(entry(&nothing).is_ok(), "{nothing}");
    }
    assert!(entry(r#"{"command": "x", "autoApprove": [], "headers": {}}"#).is_ok());
    let client =
        r#"{"command": "x", "description": "d", "id": 5, "icon": {}, "dev": {"watch": "x"}}"#;
    assert!(entry(client).is_ok());
}

#[test]
fn p9_values_have_their_types_and_variables_their_form() {
    for (key, value) in [
        ("command", "5"),
        ("args", "\"x\""),
        ("args", "[5]"),
        ("args", r#"["${x y}"]"#),
        ("env", r#"["A"]"#),
        ("env", r#"{"A": 5}"#),
        ("env", r#"{"A=": "x"}"#),
        ("env", r#"{"A": "${"}"#),
        ("cwd", "\"${1}\""),
        ("title", "5"),
        ("allow", "\"alice\""),
        ("isolation", "\"none\""),
        ("era", "\"2026\""),
        ("prewarm", "-1"),
        ("prewarm", "1e999"),
        ("uid", "4294967296"),
        ("limits", r#"{"memori": 5}"#),
        ("tools", r#"{"allow": "x"}"#),
        ("tools", r#"{"block": ["x"]}"#),
        ("tools", r#"{"scopes": {"x": 5}}"#),
        ("scopeDetails", r#"{"a": {"includes": "x"}}"#),
        ("checksHeaders", "1"),
        ("stepUpTools", "\"show\""),
        ("stepUpTools", "true"),
    ] {
        let text = match key {
            "command" => format!("{{\"{key}\": {value}}}"),
            _ => format!("{{\"command\": \"x\", \"{key}\": {value}}}"),
        };
        let problem = entry(&text).unwrap_err();
        assert!(problem.contains("server \"x\"") && problem.contains(key), "{text}: {problem}");
    }
}

#[test]
fn p9_all_problems_are_told_with_their_places() {
    let text = "\u{feff}{\n\"mcpservers\": {},\n\"mcpServers\": {\n\"A b\": {},\n\"a\": {\"comand\": \"x\",\n \
                \"timeout\": 5},\n\"b\": 5,\n\"c\": {\"url\": \"x\"}, \"c\": {\"url\": \"x\"}}}";
    let problems: Vec<_> = read(text).unwrap_err().iter().map(ToString::to_string).collect();
    let places: Vec<_> =
        problems.iter().filter_map(|one| one.split_once(": ")).map(|(at, _)| at).collect();
    assert_eq!(places, ["2:15", "4:8", "5:17", "6:13", "7:6", "8:25"], "{problems:#?}");
    for (problem, what) in
        problems.iter().zip(["mcpServers", "A b", "comand", "timeout", "\"b\"", "\"c\""])
    {
        assert!(problem.contains(what), "{problem}");
    }
    for (text, what) in [
        ("{", "1:1: EOF"),
        ("[]", "1:0: invalid type"),
        ("{}", "1:1: the object \"mcpServers\" is missing"),
        ("{\"servers\": {}}", "1:1: the object \"mcpServers\" is missing"),
        ("{\"mcpServers\": []}", "1:16: \"mcpServers\" must be an object"),
        ("{\"mcpServers\": {\"a\": {\"url\": \"x\", \"url\": \"y\"}}}", "duplicate key \"url\""),
    ] {
        let problem = read(text).unwrap_err()[0].to_string();
        assert!(problem.contains(what), "{text}: {problem}");
    }
}

/// A server beside `mcpServers` would be missing without a word.
#[test]
fn an_entry_outside_of_the_servers_is_refused() {
    for entry in
        [r#"{"command": "npx", "args": ["-y", "x"]}"#, r#"{"type": "http", "url": "http://x"}"#]
    {
        let text = format!("{{\"mcpServers\": {{}},\n\"notes\": {entry}}}");
        let problem = read(&text).unwrap_err()[0].to_string();
        assert_eq!(problem, "2:10: server \"notes\": the entry must be inside \"mcpServers\"");
    }
    for other in
        [r#"{"type": "command", "command": "x"}"#, r#"{"theme": "dark"}"#, "true", r#"["url"]"#]
    {
        let text = format!("{{\"mcpServers\": {{}}, \"statusLine\": {other}}}");
        assert_eq!(read(&text), Ok(Servers::default()), "{text}");
    }
}

#[test]
fn a12_a_name_that_is_there_twice_is_refused() {
    for text in [
        r#"{"mcpServers": {"x": {"command": "a"}, "x": {"command": "b"}}}"#,
        r#"{"mcpServers": {"x": {"command": "a"}, "\u0078": {"command": "a"}}}"#,
        r#"{"mcpServers": {"x": {"command": "a"}, "x": {"command": "b", "disabled": true}}}"#,
        r#"{"mcpServers": {"x": {"command": "a"}}, "mcpServers": {}}"#,
    ] {
        let problems = read(text).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
}
