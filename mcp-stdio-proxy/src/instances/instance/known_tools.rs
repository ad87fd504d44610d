//! The cached list of the tools of one process.

use std::sync::Arc;
use std::time::Instant;

use crate::messages::param_headers::ParamHeaders;
use crate::messages::translate::task_call::TaskTools;

/// The properties of the tools of one process that the proxy needs.
pub(super) struct Known {
    pub(super) pid: u32,
    pub(super) since: Instant,
    pub(super) param_headers: Arc<ParamHeaders>,
    /// The tools that must be called as tasks, where the proxy does that.
    pub(super) tasks: Arc<TaskTools>,
}
