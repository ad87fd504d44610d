//! The pages of people and administrators, which strangers only see the sign-in of.

use super::{Vector, junk};
use crate::flood::probe::LARGEST_BODY;
use crate::flood::shot::Shot;

/// The requests.
pub const VECTORS: &[Vector] = &[
    Vector::new("GET /sign-in", |_, number| {
        Shot::get(format!("/sign-in?return_to=/me/{}", junk(number, 4096)))
    })
    .expecting(200),
    Vector::new("POST /sign-in, a junk form", |_, number| {
        let (csrf, code) = (junk(number, 43), junk(number, LARGEST_BODY - 200));
        let cookie = format!("__Host-mcpgw-browser-flood={csrf}");
        let pairs = [("csrf", csrf.as_str()), ("login_code", code.as_str())];
        Shot::form("/sign-in", &pairs).header("Cookie", cookie)
    })
    .expecting(400),
    Vector::new("POST /sign-out, without a sign-in", |_, number| {
        Shot::form("/sign-out", &[("csrf", &junk(number, 43))])
    })
    .expecting(303),
    Vector::new("GET /me, a junk cookie", |_, number| {
        let cookie = format!("__Host-mcpgw-login={}", junk(number, 4_000));
        Shot::get("/me").header("Cookie", cookie)
    })
    .expecting(303),
    Vector::new("POST /me, a junk form", |_, number| {
        let form = junk(number, LARGEST_BODY - 200);
        Shot::form("/me/tokens/new", &[("name", &form)])
    })
    .expecting(303),
    Vector::new("GET /admin, without a sign-in", |_, number| {
        Shot::get(format!("/admin/people?q={}", junk(number, 4096)))
    })
    .expecting(303),
];
