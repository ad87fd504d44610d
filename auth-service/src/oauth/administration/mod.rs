//! The acts of administrators: on people, on clients and on grants of anybody.

mod clients;
mod grants;
mod lists;
mod people;
mod reach;

use std::sync::Arc;

pub use self::{people::Blocking, reach::Reach};
use crate::oauth::Core;

/// The operations of administrators.
pub struct Administration {
    pub(super) core: Arc<Core>,
}
