//! A revocation by the operator, and what it prints.

use super::{exit::Stop, operator};
use crate::{
    model::{Clock, SystemClock},
    store::{Ended, Selection},
};

/// Revokes `selection` and prints the number of revoked grants. Fails if nothing matched.
pub(super) async fn revoke(selection: &Selection) -> anyhow::Result<()> {
    let (store, now) = (super::store()?, SystemClock.now());
    let entry = operator::revocation(&store, selection, now).await?;
    let ended = Box::pin(store.maintenance.revoke(selection, now, entry.as_ref())).await?;
    let Ended { grants, beside, unreadable, left } = ended;
    log::info!(target: "audit", grants, beside, unreadable, left; "revoked by the operator");
    super::say(&match (beside, left) {
        (0, 0) => format!("{grants} revoked"),
        (_, 0) => format!("{grants} revoked, and {beside} logins, consents, codes and requests"),
        _ => format!(
            "revoked; {grants} grants are deleted already, the running service deletes up to {left} others"
        ),
    })?;
    anyhow::ensure!(unreadable == 0, "{unreadable} of the records cannot be read");
    // A script that selects something expects it to exist.
    if ended == Ended::default() && !matches!(selection, Selection::All) {
        return Err(Stop::NothingMatched("nothing matched".to_owned()).into());
    }
    Ok(())
}
