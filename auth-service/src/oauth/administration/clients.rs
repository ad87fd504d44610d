//! Clients: refuse, readmit, revoke.

use gateway_contract::audit::EventKind;

use crate::{
    model::{Actor, ClientId},
    oauth::{Administration, Error},
    store::{Ended, Selection},
};

impl Administration {
    /// Refuses a client: ends its grants, and admits no request of it until it is readmitted. A client that registers
    /// by itself can register again under another id.
    pub async fn refuse_client(&self, id: &ClientId, actor: &Actor) -> Result<Ended, Error> {
        let refused = self.core.draft(EventKind::ClientRefused).by(actor).client(id, "");
        let entry = self.core.entry(refused);
        self.core.store.barred.refuse_client(id, self.core.now(), entry.as_ref()).await?;
        self.revoke_client(id, actor).await
    }

    /// Readmits a client. Returns `false` if it was not refused.
    pub async fn readmit_client(&self, id: &ClientId, actor: &Actor) -> Result<bool, Error> {
        let readmitted = self.core.draft(EventKind::ClientReadmitted).by(actor).client(id, "");
        let entry = self.core.entry(readmitted);
        Ok(self.core.store.barred.readmit_client(id, entry.as_ref()).await?)
    }

    /// Ends all grants of a client.
    pub async fn revoke_client(&self, id: &ClientId, actor: &Actor) -> Result<Ended, Error> {
        let revoked = self.core.draft(EventKind::GrantsRevoked).by(actor).client(id, "");
        let entry = self.core.entry(revoked);
        let (selection, now) = (Selection::Client(id.clone()), self.core.now());
        let maintenance = &self.core.store.maintenance;
        Ok(Box::pin(maintenance.revoke(&selection, now, entry.as_ref())).await?)
    }
}
