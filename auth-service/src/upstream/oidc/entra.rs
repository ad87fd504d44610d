//! Issuers and ids of Microsoft Entra, whose endpoints for several tenants publish a template.
//!
//! Source: "ID token claims reference" and "Claims validation" of the Microsoft identity platform.

use serde_json::Value;

use super::{super::json::Object, error::OidcError};
use crate::config::OidcProvider;

/// The placeholder in the issuer that discovery states for several tenants.
const TENANT: &str = "{tenantid}";
/// The path segments of endpoints for several tenants.
const SHARED: [&str; 3] = ["common", "organizations", "consumers"];

/// Returns `true` if `issuer` is the template for the configured issuer of several tenants.
pub(super) fn is_template_of(issuer: &str, configured: &str) -> bool {
    SHARED.iter().any(|shared| configured == issuer.replacen(TENANT, shared, 1))
}

/// Checks that an ID token comes from one of the tenants, and returns its issuer.
///
/// `issuer` is the one that discovery states. The tenant in the claim `iss` and the claim `tid` must
/// be the same, or a tenant could speak for another one.
pub(super) fn check_tenant(
    provider: &OidcProvider,
    issuer: &str,
    claims: &Object,
) -> Result<String, OidcError> {
    let tenant = claims.text("tid").ok_or(OidcError::Invalid("tid is missing"))?;
    if !provider.tenants.iter().any(|listed| listed == tenant) {
        return Err(OidcError::Invalid("tid is not one of the tenants"));
    }
    Ok(issuer.replacen(TENANT, tenant, 1))
}

/// Returns the id of a person: the tenant and the object id, which are the same in all applications.
pub(super) fn id(claims: &Object) -> Option<String> {
    let (tenant, object) = (claims.text("tid")?, claims.text("oid")?);
    (!tenant.is_empty() && !object.is_empty()).then(|| format!("{tenant}/{object}"))
}

/// Returns `true` if a JWK may sign for `issuer`. A key of Entra states the issuer that it is for.
pub(super) fn may_sign_for(key: &Value, issuer: &str) -> bool {
    match key.get("issuer") {
        None => true,
        Some(of) => of.as_str().is_some_and(|of| {
            of == issuer
                || of.split_once(TENANT).is_some_and(|(before, after)| {
                    issuer
                        .strip_prefix(before)
                        .and_then(|rest| rest.strip_suffix(after))
                        .is_some_and(|tenant| !tenant.contains('/'))
                })
        }),
    }
}

/// Returns `true` if `iss` of an authorization answer is an issuer of one of the tenants.
pub(super) fn is_issuer_of_a_tenant(provider: &OidcProvider, issuer: &str, iss: &str) -> bool {
    provider.tenants.iter().any(|tenant| issuer.replacen(TENANT, tenant, 1) == iss)
}
