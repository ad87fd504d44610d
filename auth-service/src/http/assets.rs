//! Handler of `GET /assets/HASH.css`.

use actix_web::{HttpRequest, HttpResponse, http::header};

use super::{not_found, page::style};

/// Answers with the style sheet of the pages.
///
/// A name with another hash comes from a page of another version, as there are while an update rolls out. Its answer is
/// the style sheet of this version, which no cache keeps.
pub(super) async fn assets(request: HttpRequest) -> HttpResponse {
    let kept = match request.path() {
        path if path == style::path() => "public, max-age=31536000, immutable",
        path if path.strip_suffix(".css").is_some() => "no-store",
        _ => return not_found().await,
    };
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, kept))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .content_type("text/css; charset=utf-8")
        .body(style::TEXT)
}
