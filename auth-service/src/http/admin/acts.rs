//! Acts on many grants: what they hit, and the confirmation of those that hit many.

use crate::oauth::{Params, Reach};

/// The number of grants above which the name must be typed.
const MANY: usize = 10;

/// Returns `true` if an act that ends this many grants is confirmed by the name in the form.
pub(super) fn is_confirmed(form: &Params, reach: Reach, name: &str) -> bool {
    !needs_name(reach) || form.many("name").next().is_some_and(|typed| typed.trim() == name)
}

/// Returns `true` if the name must be typed.
pub(super) const fn needs_name(reach: Reach) -> bool {
    reach.grants > MANY || reach.is_more
}
