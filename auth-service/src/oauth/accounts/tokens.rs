//! Personal access tokens that people create for their scripts.

use std::time::Duration;

use crate::{
    model::{ClientId, Fingerprint, Identifier, McpServer, OwnAccess, ResourceUri, Scopes},
    oauth::{
        Accounts, Error, NewToken, PERSONAL, ScopeLabel, Viewer,
        authorize::consent_page::scope_labels,
    },
};

/// The maximum number of characters in the name of a token.
const LONGEST_NAME: usize = 60;

/// A server with the scopes that a token may have there.
#[derive(Debug)]
pub struct TokenServer {
    /// The server.
    pub server: McpServer,
    /// The scopes beyond those that every use requires.
    pub more: Vec<ScopeLabel>,
}

/// The token that a person asks for.
#[derive(Clone, Debug, Default)]
pub struct TokenWish {
    /// The name of the token.
    pub name: String,
    /// The URLs of the servers.
    pub resources: Vec<String>,
    /// The scopes beyond those that every use requires.
    pub scopes: Vec<String>,
    /// The lifetime in days.
    pub days: u32,
}

impl Accounts {
    /// Returns the lifetimes, in days, that a token may have. Empty if people may not create tokens.
    #[must_use]
    pub fn token_lifetimes(&self) -> Vec<u32> {
        let most = self.core.config.pages.token_lifetime;
        let days = most.map_or(0, |most| most.as_secs() / 86_400);
        let days = u32::try_from(days).unwrap_or(u32::MAX);
        let usual = [7, 30, 90].into_iter().filter(|usual| *usual < days);
        usual.chain((days > 0).then_some(days.min(365))).collect()
    }

    /// Returns the servers that a token of the person may be for.
    pub async fn token_servers(&self, viewer: &Viewer) -> Result<Vec<TokenServer>, Error> {
        let catalogue = self.core.catalogue();
        let servers = self.servers(viewer).await?.into_iter().filter(|one| one.is_allowed);
        let with_scopes = |server: McpServer| {
            let resources = std::slice::from_ref(&server.resource);
            let basic = &server.scopes.basic;
            let known = self.core.known_scopes(resources);
            let mut more = scope_labels(&catalogue, resources, &known);
            more.retain(|label| !basic.iter().any(|scope| scope == label.scope));
            TokenServer { server, more }
        };
        Ok(servers.map(|one| with_scopes(one.server)).collect())
    }

    /// Returns the value of a form that creates one token only, however often it is sent.
    pub fn new_form(&self) -> Result<String, Error> {
        Ok(Identifier::generate()?.to_string())
    }

    /// Creates a token and returns it. It cannot be shown again. The error tells what to correct.
    ///
    /// The caller must have checked that the sign-in is fresh. `once` is the value of the form.
    pub async fn create_token(
        &self,
        viewer: &Viewer,
        wish: &TokenWish,
        once: &str,
    ) -> Result<String, Error> {
        let invalid = |what| Err(Error::InvalidRequest(what));
        if !self.token_lifetimes().contains(&wish.days) {
            return invalid("choose one of the lifetimes");
        }
        let name = wish.name.trim();
        let length = name.chars().count();
        if !(1..=LONGEST_NAME).contains(&length) || name.chars().any(char::is_control) {
            return invalid("the name must have 1 to 60 characters");
        }
        let catalogue = self.core.catalogue();
        let (mut resources, mut scopes) = (Vec::new(), Scopes::default());
        for url in &wish.resources {
            let known = ResourceUri::parse(url).ok();
            let Some(server) = known.and_then(|uri| catalogue.by_resource(&uri)) else {
                return Err(Error::InvalidTarget("there is no such server"));
            };
            scopes = scopes.union(&server.scopes.basic);
            resources.push(server.resource.clone());
        }
        if resources.is_empty() {
            return invalid("choose at least one server");
        }
        let known = self.core.known_scopes(&resources);
        let more = Scopes::parse(&wish.scopes.join(" ")).unwrap_or_default();
        let scopes = scopes.union(&more.intersection(&known));
        let personal = ClientId::parsed(PERSONAL);
        let admission = self.core.admission(&viewer.user, Some(&personal), &resources).await?;
        if !viewer.may_log_in || !admission.is_allowed() {
            return Err(Error::NotAllowed(viewer.user.name.clone()));
        }
        let form = Fingerprint::of(&format!("{}\n{once}", viewer.csrf));
        if !self.core.store.logins.use_form(&form).await? {
            return invalid("this form has created a token already; it was shown once");
        }
        let access = OwnAccess { resources, scopes: admission.capped(&scopes) };
        let lifetime = Duration::from_hours(24 * u64::from(wish.days));
        let label = Some(name.to_owned());
        self.tokens
            .mint_token(
                NewToken { user: viewer.user.clone(), access, lifetime, label },
                &viewer.actor(),
            )
            .await
    }
}
