//! Imports registrations and refresh tokens of the predecessor, mcp-oauth-gateway of 2025, so that
//! clients stay connected after a migration.
//!
//! The predecessor stored all credentials in plain text, so a dump or a backup of its Redis contains
//! them. An imported refresh token therefore requires the secret of its client, and expires soon
//! unless the client uses it. Registration access tokens are imported only on request.

use std::{collections::HashMap, time::Duration};

use gateway_contract::audit::EventKind;
use serde_json::json;

use crate::{
    model::{
        Actor, AuthMethod, Client, ClientId, ClientMetadata, Fingerprint, Grant, Identifier,
        OldClient, OldRefresh, RedirectUri, RefreshRecord, RefreshToken, ResourceUri, UnixTime,
        User,
    },
    oauth::{
        Error, TokenIssuer,
        client::metadata::{self, Terms},
        client::redirect_uri,
        people::Seen,
        resource,
    },
    store::{OldRecord, Store},
};

/// The options of an import.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// Reports the changes without writing them.
    pub dry_run: bool,
    /// Lets a client omit its secret, because the predecessor did not check it.
    pub secrets_optional: bool,
    /// Imports registration access tokens (RFC 7592), which never rotate.
    pub registration_tokens: bool,
    /// The lifetime of an imported refresh token before its first use. Zero imports none.
    pub refresh_tokens_for: Duration,
}

/// The result of an import, or of a dry run.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ImportReport {
    /// The counts of registrations.
    pub clients: Counts,
    /// The counts of refresh tokens.
    pub refresh_tokens: Counts,
    /// The seconds for which a refresh token from a dump of the predecessor's Redis remains valid here,
    /// unless its client uses it first.
    pub dump_is_good_for: u64,
    /// The skipped records, each with the reason.
    pub left_behind: Vec<String>,
}

/// The numbers of new and existing records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// The number of newly imported records.
    pub imported: usize,
    /// The number of records that exist already.
    pub present: usize,
}

impl TokenIssuer {
    /// Imports the registrations and refresh tokens in `source`.
    pub async fn import(
        &self,
        source: &Store,
        options: ImportOptions,
        actor: &Actor,
    ) -> Result<ImportReport, Error> {
        let mut report = ImportReport::default();
        let mut names = HashMap::new();
        for record in source.maintenance.old_records("client").await? {
            let who = format!("client {}", record.id);
            match self.old_client(&record, options) {
                Err(problem) => report.left_behind.push(format!("{who}: {problem}")),
                Ok((client, refused)) => {
                    for uri in refused {
                        report.left_behind.push(format!("{who}: {uri}"));
                    }
                    names.insert(client.id.clone(), client.display_name().to_owned());
                    self.import_client(&client, (options, actor), &mut report).await?;
                }
            }
        }
        let refresh = source.maintenance.old_records("refresh").await?;
        if options.refresh_tokens_for.is_zero() && !refresh.is_empty() {
            let why = "excluded by the options; people must log in again";
            report.left_behind.push(format!("{} refresh tokens: {why}", refresh.len()));
        } else {
            for record in refresh {
                self.import_refresh(&record, &names, (options, actor), &mut report).await?;
            }
        }
        let access = source.maintenance.old_keys("token").await?.len();
        if access > 0 {
            let why = "signed with other keys; clients refresh them when they are rejected";
            report.left_behind.push(format!("{access} access tokens: {why}"));
        }
        Ok(report)
    }

    async fn import_client(
        &self,
        client: &Client,
        (options, actor): (ImportOptions, &Actor),
        report: &mut ImportReport,
    ) -> Result<(), Error> {
        let now = self.core.now();
        if self.core.store.clients.client(&client.id, now).await?.is_some() {
            report.clients.present += 1;
            return Ok(());
        }
        report.clients.imported += 1;
        let max = self.core.config.clients.max;
        let registered = self.core.draft_of_client(EventKind::ClientRegistered, client);
        let entry = self.core.entry(registered.reason("imported").by(actor));
        let clients = &self.core.store.clients;
        if !options.dry_run && !clients.import_client(client, max, now, entry.as_ref()).await? {
            return Err(Error::TooManyClients);
        }
        Ok(())
    }

    async fn import_refresh(
        &self,
        record: &OldRecord,
        names: &HashMap<ClientId, String>,
        (options, actor): (ImportOptions, &Actor),
        report: &mut ImportReport,
    ) -> Result<(), Error> {
        let generation = self.core.store.grants.generation().await?;
        let (now, token) = (self.core.now(), RefreshToken::presented(record.id.as_str()));
        // A record also remains after the token was used or revoked, until the token would expire.
        if self.core.store.grants.refresh(&token, now).await?.is_some() {
            report.refresh_tokens.present += 1;
            return Ok(());
        }
        match self.old_grant(record, names, options.refresh_tokens_for) {
            Ok(grant) => {
                report.refresh_tokens.imported += 1;
                let good_for = now.until(grant.expires_at).as_secs();
                report.dump_is_good_for = report.dump_is_good_for.max(good_for);
                if !options.dry_run {
                    let grant = Grant { id: generation.name(&grant.id), ..grant };
                    let link =
                        RefreshRecord { grant: grant.id.clone(), expires_at: grant.expires_at };
                    let granted = self.core.draft_about(EventKind::GrantCreated, &grant);
                    let granted = self.core.entry(granted.reason("imported").by(actor));
                    self.core.store.grants.put_grant(&grant, now, granted.as_ref()).await?;
                    self.core.store.grants.put_refresh(&token, &link, now).await?;
                }
            }
            Err(problem) => report.left_behind.push(format!("a refresh token: {problem}")),
        }
        Ok(())
    }

    /// Converts a registration of the predecessor.
    ///
    /// Returns the client, and the redirect URIs that were rejected, each with the reason.
    fn old_client(
        &self,
        record: &OldRecord,
        options: ImportOptions,
    ) -> Result<(Client, Vec<String>), String> {
        let old: OldClient = serde_json::from_str(&record.text)
            .map_err(|_| "the record cannot be read".to_owned())?;
        if old.client_id != record.id {
            return Err("the record is of another client".to_owned());
        }
        let (mut uris, mut refused) = (Vec::new(), Vec::new());
        for uri in old.redirect_uris.iter().map(RedirectUri::new) {
            match redirect_uri::check(&uri, &self.core.config.clients.redirect_schemes) {
                Ok(()) => uris.push(uri),
                Err(error) => refused.push(error.to_string()),
            }
        }
        if uris.is_empty() {
            return Err(format!("no redirect URI is acceptable ({})", refused.join("; ")));
        }
        let secret = old.client_secret.as_deref().filter(|secret| !secret.is_empty());
        if secret.is_none() && !options.secrets_optional {
            return Err("it has no secret to protect its refresh tokens".to_owned());
        }
        let metadata = metadata(&old, &uris, options, self.clients.terms())
            .map_err(|error| error.to_string())?;
        let managed_by = old.registration_access_token.as_deref();
        let now = self.core.now();
        let client = Client {
            id: ClientId::parsed(&old.client_id),
            secret: secret.map(Fingerprint::of),
            registration_token: managed_by
                .filter(|token| options.registration_tokens && !token.is_empty())
                .map(Fingerprint::of),
            issued_at: old.client_id_issued_at.map_or(now, UnixTime),
            // The lifetime starts now, as after a use.
            expires_at: self.core.config.lifetimes.client.map(|life| now.plus(life)),
            preregistered: false,
            unused: false,
            own_access: None,
            metadata,
        };
        Ok((client, refused))
    }

    fn old_grant(
        &self,
        record: &OldRecord,
        names: &HashMap<ClientId, String>,
        longest: Duration,
    ) -> Result<Grant, String> {
        let old: OldRefresh = serde_json::from_str(&record.text)
            .map_err(|_| "the record cannot be read".to_owned())?;
        let client_id = ClientId::parsed(&old.client_id);
        let name = names.get(&client_id);
        let client_name =
            name.ok_or_else(|| format!("its client {client_id} is not imported"))?.clone();
        let subject = format!("github:{}", old.user_id);
        let user = User { subject, name: old.username, email: None };
        // Nothing but the name and the id is known of the person.
        let seen = Seen { access: self.core.access(), facts: None };
        if !self.core.judged(&seen, &user, None, &[]).is_allowed() {
            return Err(format!("the access policy does not let {} log in", user.name));
        }
        let resources = self.old_resources(&old.resources, (&seen, &user));
        if resources.is_empty() {
            return Err(format!("no server allows {}", user.name));
        }
        let now = self.core.now();
        let life = self.core.config.lifetimes.refresh_token.min(longest);
        let left = record.left.map_or(life, |left| Duration::from_secs(left).min(life));
        // The grant id is derived from the token, so that a repeated import creates no second grant.
        let of_token = Fingerprint::of(&format!("grant of {}", record.id)).to_string();
        Ok(Grant {
            id: Identifier::parsed(of_token.get(..22).unwrap_or(&of_token)),
            user,
            client_id,
            client_name,
            scopes: self.core.basic_scopes(&resources),
            resources,
            created_at: now,
            expires_at: now.plus(left),
            ends_at: None,
        })
    }

    /// Returns the `named` servers that exist and that the person may use, or all of those if none is named.
    fn old_resources(&self, named: &[String], (seen, user): (&Seen, &User)) -> Vec<ResourceUri> {
        let catalogue = self.core.catalogue();
        let meant = |resource: &ResourceUri| {
            let there = |text: &String| {
                resource::find(&catalogue, text).is_some_and(|found| found.resource == *resource)
            };
            named.is_empty() || named.iter().any(there)
        };
        let servers = catalogue.iter().filter(|server| self.core.may_use(seen, user, server));
        servers.map(|server| server.resource.clone()).filter(|uri| meant(uri)).collect()
    }
}

/// Validates the metadata of an imported client by the rules of a registration.
///
/// The predecessor recorded no authentication method: it issued a secret and never checked it. Both
/// secret methods are therefore allowed.
fn metadata(
    old: &OldClient,
    redirect_uris: &[RedirectUri],
    options: ImportOptions,
    terms: Terms<'_>,
) -> Result<ClientMetadata, Error> {
    let said = json!({
        "redirect_uris": redirect_uris,
        "token_endpoint_auth_method": AuthMethod::ClientSecretPost,
        "grant_types": ["authorization_code", "refresh_token"],
        "client_name": old.client_name.as_ref().filter(|name| *name != "Unnamed Client"),
        "client_uri": old.client_uri,
        "logo_uri": old.logo_uri,
        "tos_uri": old.tos_uri,
        "policy_uri": old.policy_uri,
    });
    let mut metadata = metadata::parse(said.to_string().as_bytes(), terms)?;
    let mut methods = vec![AuthMethod::ClientSecretPost, AuthMethod::ClientSecretBasic];
    if options.secrets_optional {
        methods.push(AuthMethod::None);
    }
    let methods = methods.iter().map(|method| method.as_str().to_owned());
    metadata.token_endpoint_auth_methods_supported = methods.collect();
    Ok(metadata)
}
