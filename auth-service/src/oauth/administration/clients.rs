//! Clients: refuse, readmit.

use crate::{
    model::ClientId,
    oauth::{Administration, Error},
    store::{Ended, Selection},
};

impl Administration {
    /// Refuses a client: ends its grants, and admits no request of it until it is readmitted. A client that registers
    /// by itself can register again under another id.
    pub async fn refuse_client(&self, id: &ClientId) -> Result<Ended, Error> {
        self.core.store.people.refuse_client(id, self.core.now()).await?;
        self.revoke_client(id).await
    }

    /// Readmits a client. Returns `false` if it was not refused.
    pub async fn readmit_client(&self, id: &ClientId) -> Result<bool, Error> {
        Ok(self.core.store.people.readmit_client(id).await?)
    }

    /// Ends all grants of a client.
    pub async fn revoke_client(&self, id: &ClientId) -> Result<Ended, Error> {
        let selection = Selection::Client(id.clone());
        Ok(Box::pin(self.core.store.maintenance.revoke(&selection, self.core.now())).await?)
    }
}
