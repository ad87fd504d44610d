//! Marks of revocations, for what the store does not keep: requests whose person is at the login
//! provider. A mark is random, so that no clock matters.

use super::{Error, Key, Selection, Store, essential::SET};
use crate::model::{AuthorizationRequest, Identifier, Revocations};

/// How long a mark is kept, in seconds: twice as long as a person may stay at the provider.
const LIFE: u32 = 1200;

impl Store {
    /// The marks that concern `request`.
    pub async fn revocations(&self, request: &AuthorizationRequest) -> Result<Revocations, Error> {
        let mut command = redis::cmd("MGET");
        command.arg(Key::RevokedAll.text()).arg(Key::RevokedClient(&request.client_id).text());
        for resource in &request.resources {
            command.arg(Key::RevokedServer(resource).text());
        }
        Ok(Revocations(command.query_async(&mut self.pool.get().await?).await?))
    }

    /// Leaves a mark of a revocation, if it can concern a request whose person is not known yet.
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
