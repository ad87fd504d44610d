//! The HTML pages and their security headers.
//!
//! A page is a template that extends `base.html`, with a field `frame`: [`html`] renders it.

pub(super) mod account;
pub(super) mod administration;
mod consent;
mod device;
mod errors;
pub(super) mod events;
mod frame;
mod language;
pub(super) mod style;
mod texts;
mod welcome;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
};
use askama::Template;

pub(super) use self::{
    consent::consent,
    device::{device, device_allowed, device_declined},
    errors::{ReturnLink, devices_off, error, nothing_here},
    frame::Frame,
    texts::Language,
    welcome::{gateway, server},
};

#[derive(Template)]
#[template(path = "continue.html")]
struct Continue<'a> {
    frame: &'a Frame,
    url: &'a str,
}

/// Forwards the browser after a form, by an intermediate page. `form-action` of the page with the form would apply to a
/// redirect and to all its further hops, which are not known here. It does not apply to a refresh of another page.
pub(super) fn go_on(request: &HttpRequest, url: &str) -> HttpResponse {
    let frame = &Frame::of(request);
    let mut response = html(frame, StatusCode::OK, &Continue { frame, url });
    match header::HeaderValue::from_str(&format!("0; url={url}")) {
        Ok(value) => {
            response.headers_mut().insert(header::REFRESH, value);
            response
        }
        Err(_) => response,
    }
}

/// Redirects the browser after a GET (303).
pub(super) fn redirect(url: &str) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::SEE_OTHER);
    private(&mut response);
    response.insert_header((header::LOCATION, url)).finish()
}

/// Renders a page with its security headers.
pub(super) fn html(frame: &Frame, status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(body) => {
            let mut response = HttpResponse::build(status);
            private(&mut response);
            response
                // Forms to this server have an `Origin` then, which `no-referrer` would make `null`. Other origins get
                // no `Referer` either way.
                .insert_header((header::REFERRER_POLICY, "same-origin"))
                .insert_header((header::CONTENT_SECURITY_POLICY, policy(frame)))
                .insert_header((header::VARY, "Accept-Language"))
                .insert_header((header::X_FRAME_OPTIONS, "DENY"))
                .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .content_type("text/html; charset=utf-8")
                .body(body)
        }
        Err(error) => {
            log::error!("cannot render a page: {error}");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Returns the content security policy. Forms submit to this server alone. Their final destination is reached by a
/// page, see [`go_on`].
fn policy(frame: &Frame) -> String {
    let style = frame.style_origin.as_deref().unwrap_or("'self'");
    format!(
        "default-src 'none'; style-src {style}; img-src 'self'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'"
    )
}

/// Sets the headers that keep an answer out of caches, and its URL out of `Referer`.
fn private(response: &mut HttpResponseBuilder) {
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"));
}
