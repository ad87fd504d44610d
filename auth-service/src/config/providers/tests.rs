use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    ClientAuth, OfflineAccess, OidcProvider, Provider, ProviderKind, ProviderTable, SecretSource,
};

const TENANT: &str = "11111111-1111-4111-8111-111111111111";

fn read(name: &str, table: &Value) -> Result<Provider, Vec<String>> {
    let table: ProviderTable =
        serde_json::from_value(table.clone()).map_err(|error| vec![error.to_string()])?;
    table.provider(name, |source| match source {
        SecretSource::Variable(name) => Ok(SecretString::from(format!("value of {name}"))),
        SecretSource::File(path) => Err(format!("cannot read {}", path.display())),
    })
}

fn oidc(change: Value) -> Result<OidcProvider, Vec<String>> {
    let mut table = json!({ "issuer": "https://idp.example", "client_id": "c" });
    let Value::Object(change) = change else { panic!() };
    table.as_object_mut().unwrap().extend(change);
    match read("idp", &table)?.kind {
        ProviderKind::Oidc(oidc) => Ok(*oidc),
        ProviderKind::Github(_) => panic!(),
    }
}

fn fault(change: Value) -> String {
    oidc(change).unwrap_err().join("\n")
}

#[test]
fn a_table_has_a_default_for_all_but_issuer_and_client() {
    let provider = read("idp", &json!({ "issuer": "https://idp.example", "client_id": "c" }));
    let provider = provider.unwrap();
    assert_eq!((provider.name.as_str(), provider.title.as_str()), ("idp", "idp"));
    let ProviderKind::Oidc(oidc) = provider.kind else { panic!() };
    assert_eq!((oidc.issuer.as_str(), oidc.groups.as_str()), ("https://idp.example", "/groups"));
    assert!(oidc.client_secret.is_none() && oidc.scopes.is_none() && oidc.tenants.is_empty());
    assert!(!oidc.trust_email && !oidc.unique_names && !oidc.is_entra());
    assert_eq!(oidc.offline_access, OfflineAccess::Consent);
}

#[test]
fn every_key_is_read() {
    let oidc = oidc(json!({
        "kind": "oidc", "title": "Company", "client_secret_variable": "SECRET",
        "client_auth": "post", "scopes": ["openid", "roles"], "groups": "/realm_access/roles",
        "groups_limit": 50, "offline_access": "quiet", "trust_email": true, "unique_names": true,
        "hosted_domain": "acme.com", "authorize": { "audience": "x" },
    }));
    let oidc = oidc.unwrap();
    assert_eq!(oidc.client_secret.unwrap().expose_secret(), "value of SECRET");
    assert_eq!(oidc.client_auth, Some(ClientAuth::Post));
    assert_eq!(oidc.scopes.unwrap(), ["openid", "roles"]);
    assert_eq!((oidc.groups.as_str(), oidc.groups_limit), ("/realm_access/roles", Some(50)));
    assert_eq!(oidc.offline_access, OfflineAccess::Quiet);
    assert!(oidc.trust_email && oidc.unique_names);
    assert_eq!(
        (oidc.hosted_domain.as_deref(), oidc.authorize["audience"].as_str()),
        (Some("acme.com"), "x")
    );
}

#[test]
fn a_misspelt_key_is_an_error() {
    for key in ["isuer", "Issuer", "group", "trust-email", "tenant", "secret"] {
        assert!(fault(json!({ key: "x" })).contains(key), "{key}");
    }
    for change in [
        json!({ "kind": "saml" }),
        json!({ "offline_access": true }),
        json!({ "scopes": "openid" }),
    ] {
        assert!(oidc(change.clone()).is_err(), "{change}");
    }
}

#[test]
fn a_secret_never_stands_in_the_file() {
    assert!(fault(json!({ "client_secret": "s" })).contains("client_secret_file"));
    let both = json!({ "client_secret_file": "f", "client_secret_variable": "V" });
    assert!(fault(both).contains("keep one"));
    assert_eq!(fault(json!({ "client_secret_file": "f" })), "cannot read f");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "the secret\n").unwrap();
    let source = SecretSource::File(file.path().file_name().unwrap().into());
    let directory = file.path().parent().unwrap();
    assert_eq!(source.read(directory, |_| None).unwrap().expose_secret(), "the secret");
    std::fs::write(file.path(), " \n").unwrap();
    assert!(source.read(directory, |_| None).unwrap_err().contains("empty"));
    let variable = SecretSource::Variable("V".to_owned());
    let look_up = |name: &str| (name == "V").then(|| "x".to_owned());
    assert_eq!(variable.read(directory, look_up).unwrap().expose_secret(), "x");
    assert!(variable.read(directory, |_| None).unwrap_err().contains("not set"));
    let oidc = oidc(json!({ "client_secret_variable": "V" })).unwrap();
    assert!(!format!("{oidc:?}").contains("value of V"));
}

#[test]
fn names_of_our_own_kinds_of_login_are_refused() {
    for name in ["github", "local", "client", "", "A", "a:b", "a b"] {
        let table = json!({ "issuer": "https://idp.example", "client_id": "c" });
        assert_eq!(read(name, &table).unwrap_err().len(), 1, "{name}");
    }
}

#[test]
fn an_issuer_is_https_or_on_loopback() {
    for good in [
        "https://idp.example/realms/x/",
        "http://127.0.0.1:4010",
        "http://[::1]:1",
        "http://localhost:1",
    ] {
        assert_eq!(oidc(json!({ "issuer": good })).unwrap().issuer, good, "as it is written");
    }
    for bad in [
        "http://idp.example",
        "http://10.0.0.1",
        "http://127.0.0.1.example",
        "idp.example",
        "https://idp.example?x",
        "https://idp.example#x",
        "https://user@idp.example",
        "https://idp.example/.well-known/openid-configuration",
        "",
    ] {
        assert!(fault(json!({ "issuer": bad })).starts_with("issuer"), "{bad}");
    }
    assert!(fault(json!({ "issuer": null })).contains("issuer is missing"));
}

#[test]
fn several_tenants_of_entra_have_to_be_listed() {
    let entra = |path: &str, tenants: Value| {
        let issuer = format!("https://login.microsoftonline.com/{path}/v2.0");
        oidc(json!({ "issuer": issuer, "tenants": tenants }))
    };
    for shared in ["common", "organizations", "consumers", "contoso.onmicrosoft.com"] {
        assert!(entra(shared, Value::Null).unwrap_err()[0].starts_with("tenants"), "{shared}");
        assert!(entra(shared, json!([])).is_err());
    }
    assert!(entra("common", json!([TENANT])).unwrap().is_entra());
    assert_eq!(entra(TENANT, Value::Null).unwrap().tenants, [TENANT]);
    for odd in ["contoso.com", "*", "", &TENANT[1..], "11111111-1111-4111-8111-11111111111A"] {
        assert!(entra("common", json!([odd])).is_err(), "{odd}");
    }
    let trusting = fault(json!({ "tenants": [TENANT], "trust_email": true }));
    assert!(trusting.contains("xms_edov"), "{trusting}");
}

#[test]
fn what_follows_from_the_issuer_is_filled_in() {
    let limit = |issuer: &str| oidc(json!({ "issuer": issuer })).unwrap().groups_limit;
    assert_eq!(limit("https://acme.okta.com"), Some(100));
    assert_eq!(limit("https://acme.okta.com/oauth2/default"), Some(100));
    assert_eq!(limit("https://acme.okta.com.evil.example"), None);
    assert_eq!(limit("https://okta.example"), None);
    let own = json!({ "issuer": "https://acme.okta.com", "groups_limit": 20 });
    assert_eq!(oidc(own).unwrap().groups_limit, Some(20));
}

#[test]
fn all_problems_are_reported_together() {
    let table = json!({
        "issuer": "http://idp.example", "client_id": " ", "groups": "groups", "groups_limit": 0,
        "authorize": { "state": "x" }, "scopes": ["a b"], "base_url": "https://x.example",
    });
    let problems = read("GitHub", &table).unwrap_err();
    assert_eq!(problems.len(), 8, "{problems:#?}");
    for own in ["nonce", "redirect_uri", "response_mode", "request_uri", "code_challenge", "scope"]
    {
        assert!(fault(json!({ "authorize": { own: "x" } })).contains(own));
    }
}

#[test]
fn an_enterprise_server_has_its_own_kind() {
    let table = json!({ "kind": "github", "client_id": "c", "client_secret_variable": "S",
        "base_url": "https://ghe.example" });
    let ProviderKind::Github(github) = read("ghe", &table).unwrap().kind else { panic!() };
    assert_eq!(github.api_url.as_str(), "https://ghe.example/api/v3");
    let table = json!({ "kind": "github", "client_id": "c", "client_secret_variable": "S" });
    let ProviderKind::Github(github) = read("second", &table).unwrap().kind else { panic!() };
    assert_eq!(github.base_url.as_str(), "https://github.com/");
    assert_eq!(github.api_url.as_str(), "https://api.github.com/");
    let table =
        json!({ "kind": "github", "client_id": "c", "groups": "/x", "issuer": "https://x" });
    assert_eq!(read("ghe", &table).unwrap_err().len(), 3, "two foreign keys and no secret");
}

#[test]
fn one_provider_comes_from_variables() {
    let of = |issuer, id, secret: Option<&str>| {
        Provider::of_variables(issuer, id, secret.map(|secret| secret.to_owned().into()))
    };
    assert!(of(None, None, None).unwrap().is_none());
    let provider = of(Some("https://idp.example"), Some("c"), Some("s")).unwrap().unwrap();
    assert_eq!(provider.name.as_str(), "oidc");
    assert!(of(Some("https://idp.example"), Some("c"), None).unwrap().is_some(), "a public client");
    assert!(of(None, Some("c"), Some("s")).unwrap_err()[0].contains("OIDC_ISSUER"));
    assert!(of(Some("https://idp.example"), None, None).unwrap_err()[0].contains("OIDC_CLIENT_ID"));
    assert!(of(Some("https://login.microsoftonline.com/common/v2.0"), Some("c"), None).is_err());
}
