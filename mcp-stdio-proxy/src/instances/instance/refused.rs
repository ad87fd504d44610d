//! A rejected request.

use std::borrow::Cow;

/// The code and the message of the error with which a request is rejected.
pub type Refused = (i32, Cow<'static, str>);
