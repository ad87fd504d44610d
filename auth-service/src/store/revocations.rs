//! Markers of revocations. They end authorization requests that the store does not contain, because
//! their person is at the login provider. A marker is random, so that it does not depend on a
//! clock.

use super::{Error, Key, Selection, Store, essential::SET};
use crate::model::{AuthorizationRequest, Identifier, Revocations};

/// The lifetime of a marker in seconds: twice the time that a login at the provider may take.
const LIFE: u32 = 1200;

impl Store {
    /// Reads the markers that concern `request`. A later read that differs means a revocation.
    pub async fn revocations(&self, request: &AuthorizationRequest) -> Result<Revocations, Error> {
        let mut command = redis::cmd("MGET");
        command.arg(Key::RevokedAll.text()).arg(Key::RevokedClient(&request.client_id).text());
        for resource in &request.resources {
            command.arg(Key::RevokedServer(resource).text());
        }
        Ok(Revocations(command.query_async(&mut self.pool.get().await?).await?))
    }

    /// Stores a marker of a revocation, if the selection can include requests whose person is not
    /// known yet.
    pub(super) async fn mark_revocation(&self, what: &Selection) -> Result<(), Error> {
        let key = match what {
            Selection::Client(id) => Key::RevokedClient(id),
            Selection::Server(resource) => Key::RevokedServer(resource),
            Selection::Before(_) | Selection::All => Key::RevokedAll,
            Selection::User(_)
            | Selection::UserAtClient(..)
            | Selection::Grant(_)
            | Selection::Jti(_) => return Ok(()),
        };
        let mark = Identifier::generate().map_err(|_| Error::Random)?;
        let script = redis::Script::new(SET);
        let mut call = script.prepare_invoke();
        call.key(key.text()).arg(mark.as_str()).arg(LIFE);
        Ok(call.invoke_async(&mut self.pool.get().await?).await?)
    }
}
