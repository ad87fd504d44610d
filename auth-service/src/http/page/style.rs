//! The style sheet of all pages, with its hash in its path, so that browsers keep it for good.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The style sheet.
pub(in crate::http) const TEXT: &str = include_str!("../../../assets/style.css");

/// The number of characters of the hash in the path: 96 bits.
const HASH: usize = 16;

static PATH: LazyLock<String> = LazyLock::new(|| {
    let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, TEXT.as_bytes()));
    format!("/assets/{}.css", hash.get(..HASH).unwrap_or_default())
});

/// Returns the path of the style sheet.
pub(in crate::http) fn path() -> &'static str {
    &PATH
}
