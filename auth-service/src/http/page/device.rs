//! The pages that connect a device (RFC 8628 §3.3).

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::{Frame, errors::Failure, html};

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

/// Renders the page that says that the operator has turned the device grant off.
pub(in crate::http) fn devices_off(request: &HttpRequest) -> HttpResponse {
    let frame = &Frame::of(request);
    let message = "The operator of this gateway has turned this off. If somebody sent you here with a \
                   code, ignore it.";
    let title = "Devices cannot be connected here";
    let message = message.to_owned();
    let page = Failure { frame, title, message, code: "device_grant is off", back: None };
    html(frame, StatusCode::NOT_FOUND, &page)
}
