//! Tests of the settings, as operators write them, and of the problems reported for wrong ones.

use secrecy::ExposeSecret;

use super::*;

fn settings(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    let base = [
        ("BASE_DOMAIN", "gw.example"),
        ("REDIS_URL", "redis://127.0.0.1/0"),
        ("SIGNING_KEY_FILE", "key.pem"),
    ];
    base.iter().chain(pairs).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn problems(pairs: &[(&str, &str)]) -> String {
    Config::from_map(settings(pairs)).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn the_issuer_follows_from_the_domain_and_the_port() {
    let issuer = |pairs: &[(&str, &str)]| {
        Config::from_map(settings(pairs)).unwrap().issuer.as_str().to_owned()
    };
    assert_eq!(issuer(&[]), "https://auth.gw.example");
    assert_eq!(issuer(&[("PUBLIC_PORT", "8443")]), "https://auth.gw.example:8443");
    assert_eq!(issuer(&[("ISSUER", "https://id.example")]), "https://id.example");
    assert_eq!(issuer(&[("SERVER_URLS", "path")]), "https://gw.example");
    let both = [("SERVER_URLS", "path"), ("PUBLIC_PORT", "8443")];
    assert_eq!(issuer(&both), "https://gw.example:8443");
}

#[test]
fn a13_a_domain_is_told_its_canonical_form() {
    for (domain, told) in [
        ("GW.Example", "as gw.example"),
        ("gw.example.", "as gw.example"),
        ("b\u{fc}cher.example", "as xn--bcher-kva.example"),
        ("https://gw.example", "without scheme"),
        ("gw.example:8443", "without scheme, port"),
        ("gw.example/x", "without scheme"),
        ("*.gw.example", "not a host name"),
    ] {
        for issuer in [
            &[("BASE_DOMAIN", domain)][..],
            &[("BASE_DOMAIN", domain), ("ISSUER", "https://id.example")],
        ] {
            let problems = problems(issuer);
            assert!(problems.contains("BASE_DOMAIN") && problems.contains(told), "{problems}");
            assert!(problems.contains("1 problem"), "{problems}");
        }
    }
    let punycode = [("BASE_DOMAIN", "xn--bcher-kva.example")];
    assert!(Config::from_map(settings(&punycode)).is_ok());
}

#[test]
fn proxies_have_different_names() {
    let config = Config::from_map(settings(&[("PROXIES", " a=unix:/a, ,b=http://b:1 ")])).unwrap();
    assert_eq!(config.proxies.len(), 2);
    let problems = problems(&[("PROXIES", "a=unix:/a,a=unix:/b,x")]);
    assert!(problems.contains("two proxies are called a"), "{problems}");
    assert!(problems.contains("\"x\" must be NAME=unix:"), "{problems}");
}

#[test]
fn every_problem_is_reported_at_once() {
    let map = [
        ("AUTH_LISTEN", "nonsense"),
        ("METRICS_LISTEN", "9090"),
        ("GITHUB_CLIENT_ID", "x"),
        ("PUBLIC_PORT", "-1"),
        ("DOCKER_ENDPOINT", "localhost"),
        ("SERVER_URLS", "both"),
    ];
    let map = map.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect();
    let text = Config::from_map(map).map(|_| ()).unwrap_err().to_string();
    for name in [
        "BASE_DOMAIN is not set",
        "REDIS_URL is not set",
        "SIGNING_KEY_FILE is not set",
        "AUTH_LISTEN",
        "METRICS_LISTEN",
        "PUBLIC_PORT",
        "GITHUB_CLIENT_SECRET",
        "DOCKER_ENDPOINT",
        "SERVER_URLS",
    ] {
        assert!(text.contains(name), "{name} is missing in: {text}");
    }
}

#[test]
fn an_empty_allow_list_admits_nobody() {
    let github = [("GITHUB_CLIENT_ID", "id"), ("GITHUB_CLIENT_SECRET", "secret")];
    assert!(problems(&github).contains("ALLOWED_GITHUB_USERS"));
    let blank = [github[0], github[1], ("ALLOWED_GITHUB_USERS", " , ")];
    assert!(problems(&blank).contains("ALLOWED_GITHUB_USERS"));
    let star = [github[0], github[1], ("ALLOWED_GITHUB_USERS", "*")];
    assert!(Config::from_map(settings(&star)).is_ok());
}

#[test]
fn contradictions_are_problems() {
    assert!(problems(&[("LOCAL_LOGIN", "false")]).contains("no login provider"));
    assert!(problems(&[("CLIENT_LIFETIME", "60")]).contains("CLIENT_LIFETIME"));
    assert!(problems(&[("VERIFY_SECRET", "short")]).contains("VERIFY_SECRET"));
    let alone = [("AUTH_TLS_LISTEN", "127.0.0.1:0"), ("AUTH_TLS_CERT_FILE", "cert.pem")];
    assert!(problems(&alone).contains("AUTH_TLS_KEY_FILE"));
    assert!(problems(&[("AUTH_TLS_LISTEN", "localhost")]).contains("AUTH_TLS_LISTEN"));
    assert!(problems(&[("ISSUER", "http://id.example")]).contains("ISSUER"));
    assert!(problems(&[("REDIS_URL", "http://x")]).contains("REDIS_URL"));
    assert!(problems(&[("ACCESS_TOKEN_LIFETIME", "0")]).contains("ACCESS_TOKEN_LIFETIME"));
    assert!(problems(&[("DEVICE_GRANT", "maybe")]).contains("DEVICE_GRANT"));
    assert!(problems(&[("DEVICE_GRANT_LIFETIME", "0")]).contains("DEVICE_GRANT_LIFETIME"));
    let both = [("REDIS_URL", "redis://:a@h/0"), ("REDIS_PASSWORD", "b")];
    assert!(problems(&both).contains("keep one"));
}

#[test]
fn redis_is_named_by_a_url_of_one_server_or_of_sentinels() {
    let sentinel = |pairs: &[(&str, &str)]| match Config::from_map(settings(pairs)) {
        Ok(Config { redis: RedisConfig { server: RedisServer::Sentinel(config), .. }, .. }) => {
            let all = config.sentinels.iter().map(|url| url.expose_secret().to_owned());
            (config.node.expose_secret().to_owned(), config.master.clone(), all.collect::<Vec<_>>())
        }
        other => panic!("{other:?}"),
    };
    let (node, master, all) = sentinel(&[(
        "REDIS_URL",
        "redis+sentinel://me:p%40ss@a,b:1,[::1]:2/3?master=gw&sentinel_password=x%2Fy",
    )]);
    assert_eq!((&*node, &*master), ("redis://me:p%40ss@placeholder/3", "gw"));
    assert_eq!(all, ["redis://:x%2Fy@a:26379", "redis://:x%2Fy@b:1", "redis://:x%2Fy@[::1]:2"]);
    let url = "rediss+sentinel://a?master=gw&sentinel_username=watcher";
    let (node, _, all) = sentinel(&[("REDIS_URL", url), ("REDIS_PASSWORD", "secret")]);
    assert_eq!(node, "rediss://:secret@placeholder");
    assert_eq!(all, ["rediss://watcher@a:26379"]);
    for (url, part) in [
        ("redis+sentinel://a,b", "add ?master=NAME"),
        ("redis+sentinel://a/gw/0?master=gw", "the number of a database"),
        ("redis+sentinel://a,,b/0?master=gw", "an empty host"),
        ("redis+sentinel://a/0?master=gw&password=x", "an unknown parameter: password"),
        ("redis-cluster://a", "must start with"),
    ] {
        let problems = problems(&[("REDIS_URL", url)]);
        assert!(problems.contains(part), "{url}: {problems}");
    }
    let both = [("REDIS_URL", "redis+sentinel://:a@h/0?master=m"), ("REDIS_PASSWORD", "b")];
    assert!(problems(&both).contains("keep one"));
    assert!(problems(&[("REDIS_CA_FILE", "ca.pem")]).contains("write rediss"));
    let missing = [("REDIS_URL", "rediss://h"), ("REDIS_CA_FILE", "/nowhere/ca.pem")];
    assert!(problems(&missing).contains("cannot read /nowhere/ca.pem"));
}

#[test]
fn a13_times_have_a_unit_or_are_seconds() {
    let life = |text| {
        let settings = settings(&[("REFRESH_TOKEN_LIFETIME", text)]);
        Config::from_map(settings).unwrap().lifetimes.refresh_token
    };
    assert_eq!(life("30d"), std::time::Duration::from_hours(30 * 24));
    assert_eq!(life("3600"), std::time::Duration::from_hours(1));
    let names = [
        "ACCESS_TOKEN_LIFETIME",
        "REFRESH_TOKEN_LIFETIME",
        "REFRESH_TOKEN_GRACE",
        "DEVICE_GRANT_LIFETIME",
        "CLIENT_LIFETIME",
        "CLIENT_UNUSED_LIFETIME",
        "LOGIN_SESSION_LIFETIME",
        "CONSENT_LIFETIME",
    ];
    for name in names {
        assert!(Config::from_map(settings(&[(name, "90d")])).is_ok(), "{name}");
        for bad in ["1w", "-5", "30 d", "1.5h", "for ever"] {
            assert!(problems(&[(name, bad)]).contains(name), "{name}={bad}");
        }
    }
}

#[test]
fn every_switch_is_written_in_the_same_ways() {
    for name in ["DEVICE_GRANT", "LOCAL_LOGIN", "SIGNED_IDENTITY", "CLIENT_DOCUMENTS"] {
        for good in ["on", "true", "false", "off"] {
            let text = Config::from_map(settings(&[(name, good)]))
                .map_or_else(|problems| problems.to_string(), |_| String::new());
            assert!(!text.contains(&format!("{name}: ")), "{text}");
        }
        assert!(problems(&[(name, "maybe")]).contains(name));
    }
}

#[test]
fn s13_the_device_grant_is_a_switch() {
    let on = |pairs: &[(&str, &str)]| Config::from_map(settings(pairs)).unwrap().device_grant;
    assert!(on(&[]) && on(&[("DEVICE_GRANT", "on")]) && on(&[("DEVICE_GRANT", "true")]));
    assert!(!on(&[("DEVICE_GRANT", "off")]) && !on(&[("DEVICE_GRANT", "false")]));
}

#[test]
fn a_secret_can_come_from_a_file() {
    let text = problems(&[("GITHUB_CLIENT_SECRET_FILE", "/nonexistent/secret")]);
    assert!(text.contains("GITHUB_CLIENT_SECRET_FILE"), "{text}");
}

#[test]
fn the_example_names_every_variable() {
    let example = include_str!("../../../.env.example");
    let fields = serde_json::to_value(Raw::default()).unwrap();
    for field in fields.as_object().unwrap().keys() {
        let name = field.to_uppercase();
        let named = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{name}="));
        assert!(example.lines().any(named), "{name} is not in .env.example");
    }
}

#[test]
fn the_logs_have_a_format_files_and_a_filter() {
    use gateway_contract::{
        audit::{EventKind, Target},
        lines::Rotation,
        logging::Format,
    };
    let logs = |pairs: &[(&str, &str)]| Config::from_map(settings(pairs)).unwrap().logs;
    let none = logs(&[]);
    assert_eq!((none.log.format, none.log.file, none.audit.target), (Format::Text, None, None));
    assert_eq!(none.log.rotation, Rotation { max_size: 50 << 20, keep: 5 });
    let all = logs(&[
        ("LOG_FORMAT", "json"),
        ("LOG_FILE", "/logs/log"),
        ("LOG_MAX_SIZE", "2GB"),
        ("LOG_KEEP", "0"),
        ("AUDIT_LOG", "-"),
        ("AUDIT_EVENTS", "-access.denied"),
    ]);
    assert_eq!((all.log.format, all.audit.target), (Format::Json, Some(Target::Stdout)));
    assert_eq!(all.log.file, Some("/logs/log".into()));
    assert_eq!(all.audit.rotation, Rotation { max_size: 2 << 30, keep: 0 });
    assert!(!all.audit.filter.records(EventKind::AccessDenied));
    let wrong =
        [("LOG_FORMAT", "xml"), ("LOG_MAX_SIZE", "x"), ("LOG_KEEP", "-1"), ("AUDIT_EVENTS", "no")];
    let problems = problems(&wrong);
    assert!(wrong.iter().all(|(name, _)| problems.contains(name)), "{problems}");
}
