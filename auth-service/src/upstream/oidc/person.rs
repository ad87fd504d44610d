//! The facts about a person in the claims of an ID token and of userinfo.

use serde_json::Value;

use super::{
    super::{
        json::Object,
        text::{fitting, is_address},
    },
    entra,
    error::OidcError,
    groups::groups,
};
use crate::{
    config::OidcProvider,
    model::{Groups, Memberships, ProviderName, Sighting, stable_id},
};

/// The claims about one person: those of the ID token and those of userinfo.
pub(super) struct Person<'a> {
    pub(super) provider: &'a OidcProvider,
    pub(super) id_token: Option<&'a Object>,
    pub(super) userinfo: Option<&'a Object>,
}

impl Person<'_> {
    /// Returns `true` if a wanted claim is absent, so that userinfo may have it. That of Microsoft
    /// Entra has none that its ID token lacks.
    pub(super) fn lacks_claims(&self) -> bool {
        !self.provider.is_entra()
            && (self.groups().is_none()
                || self.text("preferred_username").is_none()
                || (self.asks_for_email() && self.email_claims().is_none()))
    }

    /// Returns the stable id of the person.
    pub(super) fn id(&self) -> Result<String, OidcError> {
        let claims = self.id_token.or(self.userinfo);
        let id = if self.provider.is_entra() {
            claims.and_then(entra::id)
        } else {
            claims.and_then(|claims| claims.text("sub")).map(str::to_owned)
        };
        id.and_then(|id| stable_id(&id)).ok_or(OidcError::Invalid("no usable id of the person"))
    }

    /// Returns the facts.
    pub(super) fn sighting(&self, provider: &ProviderName) -> Result<Sighting, OidcError> {
        Ok(Sighting {
            provider: provider.clone(),
            id: self.id()?,
            login: self.text("preferred_username"),
            display_name: self.text("name"),
            email: self.email(),
            // A provider that lists no groups anywhere states that there are none.
            groups: self.groups().unwrap_or_else(|| Groups::Known([].into())),
            sid: self.id_token.and_then(|claims| fitting(claims.text("sid")?)),
            memberships: Memberships::default(),
            token: None,
        })
    }

    fn claims(&self) -> impl Iterator<Item = &Object> {
        self.id_token.into_iter().chain(self.userinfo)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.claims().find_map(|claims| fitting(claims.text(name)?))
    }

    fn groups(&self) -> Option<Groups> {
        let provider = self.provider;
        self.claims().find_map(|claims| groups(claims, &provider.groups, provider.groups_limit))
    }

    /// Returns `true` if the requested scopes are to return an address.
    fn asks_for_email(&self) -> bool {
        let scopes = self.provider.scopes.as_ref();
        scopes.is_none_or(|scopes| scopes.iter().any(|scope| scope == "email"))
    }

    /// Returns the claims that have both the address and the statement whether it is verified. The
    /// statement of one document says nothing about the address in another one.
    fn email_claims(&self) -> Option<&Object> {
        let flag = if self.provider.is_entra() { "xms_edov" } else { "email_verified" };
        let complete = |claims: &&Object| {
            claims.text("email").is_some()
                && (self.provider.trust_email || claims.0.contains_key(flag))
        };
        self.claims().find(complete)
    }

    fn email(&self) -> Option<String> {
        let claims = self.email_claims()?;
        let flag = if self.provider.is_entra() { "xms_edov" } else { "email_verified" };
        let verified = self.provider.trust_email || is_true(claims.0.get(flag));
        claims.text("email").filter(|email| verified && is_address(email)).map(str::to_owned)
    }
}

/// Returns `true` for `true` and `"true"`, which some providers write instead.
fn is_true(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(value)) => *value,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn email(provider: &OidcProvider, claims: &Value) -> Option<String> {
        let claims = Object::parse(claims.to_string().as_bytes()).unwrap();
        let person = Person { provider, id_token: Some(&claims), userinfo: None };
        person.sighting(&ProviderName::parse("p").unwrap()).unwrap().email
    }

    #[test]
    fn an_address_counts_only_if_the_provider_verified_it() {
        let provider = OidcProvider::new("https://p.example".into(), "c".into(), None);
        let of = |verified: Value, address: &str| {
            let claims = json!({ "sub": "1", "email": address, "email_verified": verified });
            email(&provider, &claims)
        };
        for verified in [json!(true), json!("true")] {
            assert_eq!(of(verified, "a@acme.com").as_deref(), Some("a@acme.com"));
        }
        for verified in
            [json!(false), json!("false"), json!(1), json!(null), json!("True"), json!([true])]
        {
            assert_eq!(of(verified, "a@acme.com"), None);
        }
        assert_eq!(email(&provider, &json!({ "sub": "1", "email": "a@acme.com" })), None);
        for address in
            ["a@evil.com@acme.com", "@acme.com", "a@", "a b@acme.com", "a@acme.com\n", "a"]
        {
            assert_eq!(of(json!(true), address), None, "{address:?}");
        }
        let trusting = OidcProvider { trust_email: true, ..provider };
        let claims = json!({ "sub": "1", "email": "a@acme.com", "email_verified": false });
        assert_eq!(email(&trusting, &claims).as_deref(), Some("a@acme.com"));
    }

    #[test]
    fn the_address_of_one_document_is_not_verified_by_another() {
        let provider = OidcProvider::new("https://p.example".into(), "c".into(), None);
        let object = |value: Value| Object::parse(value.to_string().as_bytes()).unwrap();
        let id_token = object(json!({ "sub": "1", "email": "victim@acme.com" }));
        let userinfo =
            object(json!({ "sub": "1", "email": "own@x.example", "email_verified": true }));
        let person =
            Person { provider: &provider, id_token: Some(&id_token), userinfo: Some(&userinfo) };
        assert_eq!(person.email().as_deref(), Some("own@x.example"));
        let userinfo = object(json!({ "sub": "1", "email_verified": true }));
        let person = Person { userinfo: Some(&userinfo), ..person };
        assert_eq!(person.email(), None);
    }
}
