//! The pages that connect a device (RFC 8628 §3.3).

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::{Frame, html};

#[derive(Template)]
#[template(path = "device.html")]
struct AskForCode<'a> {
    frame: &'a Frame,
    wrong: bool,
}

#[derive(Template)]
#[template(path = "device_allowed.html")]
struct DeviceAllowed<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "device_declined.html")]
struct DeviceDeclined<'a> {
    frame: &'a Frame,
}

/// Renders the form for the code that a device shows. `wrong` marks the last entry as invalid.
pub(in crate::http) fn device(request: &HttpRequest, wrong: bool) -> HttpResponse {
    let status = if wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let frame = &Frame::of(request);
    html(frame, status, &AskForCode { frame, wrong })
}

/// Renders the page for a device that was allowed.
pub(in crate::http) fn device_allowed(request: &HttpRequest) -> HttpResponse {
    let frame = &Frame::of(request);
    html(frame, StatusCode::OK, &DeviceAllowed { frame })
}

/// Renders the page for a device that was declined.
pub(in crate::http) fn device_declined(request: &HttpRequest) -> HttpResponse {
    let frame = &Frame::of(request);
    html(frame, StatusCode::OK, &DeviceDeclined { frame })
}
