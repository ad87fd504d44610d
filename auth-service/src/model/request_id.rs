//! The id of the request that is being served. All parts of the gateway name a request by it: the response header
//! `X-Request-Id`, logs, error pages and audit events.

use gateway_contract::audit::Id;

tokio::task_local! {
    static CURRENT: Id;
}

/// Returns the id of the request that the calling task serves. A task that was spawned has none.
#[must_use]
pub fn current_request() -> Option<Id> {
    CURRENT.try_with(|id| *id).ok()
}

/// Runs `future` as a part of the request with this `id`.
pub fn with_request<F: Future>(id: Id, future: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(id, future)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn each_request_sees_its_own_id() {
        assert_eq!(current_request(), None);
        let serve = |id| {
            with_request(id, async {
                tokio::task::yield_now().await;
                current_request()
            })
        };
        let (first, second) = (Id::new(), Id::new());
        let (one, two) = tokio::join!(serve(first), serve(second));
        assert_eq!((one, two), (Some(first), Some(second)));
        assert_ne!(first, second);
    }
}
