//! The grants behind the process of a person.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::access::grants::Grant;

/// The grants that authorized requests of this instance, the oldest first.
#[derive(Default)]
pub(super) struct Grants(pub(super) Mutex<Vec<Arc<Grant>>>);
