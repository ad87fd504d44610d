//! The HTML pages and the headers that keep them to themselves.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
};
use askama::Template;

use crate::{
    model::Identifier,
    oauth::{self, ConsentPage, Destination, ErrorCode, Remark, ServerPage},
};

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent<'a> {
    nonce: &'a str,
    page: &'a ConsentPage,
}

#[derive(Template)]
#[template(path = "choose.html")]
struct ChooseServer<'a> {
    nonce: &'a str,
    page: &'a ConsentPage,
}

#[derive(Template)]
#[template(path = "continue.html")]
struct Continue<'a> {
    nonce: &'a str,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "device.html")]
struct AskForCode<'a> {
    nonce: &'a str,
    wrong: bool,
}

#[derive(Template)]
#[template(path = "device_allowed.html")]
struct DeviceAllowed<'a> {
    nonce: &'a str,
}

#[derive(Template)]
#[template(path = "device_declined.html")]
struct DeviceDeclined<'a> {
    nonce: &'a str,
}

#[derive(Template)]
#[template(path = "server.html")]
struct Server<'a> {
    nonce: &'a str,
    server: &'a ServerPage,
}

#[derive(Template)]
#[template(path = "gateway.html")]
struct Gateway<'a> {
    nonce: &'a str,
    example: &'a str,
    devices: bool,
}

#[derive(Template)]
#[template(path = "error.html")]
struct Failure<'a> {
    nonce: &'a str,
    title: &'a str,
    message: String,
    code: &'a str,
    /// Where to tell the application, and who hears it.
    back: Option<(&'a str, &'a str)>,
}

/// The consent page, or before it the page on which the person chooses the server.
pub(super) fn consent(page: &ConsentPage) -> HttpResponse {
    let status = match page.remark {
        None | Some(Remark::Stale) => StatusCode::OK,
        Some(Remark::WrongCode | Remark::Interrupted) => StatusCode::BAD_REQUEST,
        Some(Remark::Refused) => StatusCode::FORBIDDEN,
    };
    if !page.choices.is_empty() {
        return html(status, |nonce| ChooseServer { nonce, page }.render());
    }
    html(status, |nonce| Consent { nonce, page }.render())
}

/// Asks for the code that a device shows.
pub(super) fn device(wrong: bool) -> HttpResponse {
    let status = if wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    html(status, |nonce| AskForCode { nonce, wrong }.render())
}

/// There are no devices here: the operator turned the grant off.
pub(super) fn devices_off() -> HttpResponse {
    let failure = |nonce: &str| {
        let message = "The operator of this gateway has turned this off. If somebody sent you here with a \
                       code, do nothing.";
        let title = "Devices cannot be connected here";
        let message = message.to_owned();
        Failure { nonce, title, message, code: "device_grant is off", back: None }.render()
    };
    html(StatusCode::NOT_FOUND, failure)
}

/// A device was allowed.
pub(super) fn device_allowed() -> HttpResponse {
    html(StatusCode::OK, |nonce| DeviceAllowed { nonce }.render())
}

/// A device was declined.
pub(super) fn device_declined() -> HttpResponse {
    html(StatusCode::OK, |nonce| DeviceDeclined { nonce }.render())
}

/// Says how to add a server to an MCP client.
pub(super) fn server(server: &ServerPage) -> HttpResponse {
    html(StatusCode::OK, |nonce| Server { nonce, server }.render())
}

/// Says what the login host is for. `example` is the URL of a server, and `devices` tells whether devices
/// can be connected.
pub(super) fn gateway(example: &str, devices: bool) -> HttpResponse {
    html(StatusCode::OK, |nonce| Gateway { nonce, example, devices }.render())
}

/// There is nothing at this address.
pub(super) fn nothing_here() -> HttpResponse {
    let failure = |nonce: &str| {
        let title = "There is nothing at this address";
        let message = "No MCP server and no page has this address. Check the name of the server; its URL \
                       ends in /mcp.";
        let message = message.to_owned();
        Failure { nonce, title, message, code: "not_found", back: None }.render()
    };
    html(StatusCode::NOT_FOUND, failure)
}

/// Sends the browser on after a form. A redirect would be followed under the `form-action` of the
/// page that had the form, over every further hop that we cannot know; a page of its own is not.
pub(super) fn go_on(url: &str) -> HttpResponse {
    let mut response = html(StatusCode::OK, |nonce| Continue { nonce, url }.render());
    match header::HeaderValue::from_str(&format!("0; url={url}")) {
        Ok(value) => {
            response.headers_mut().insert(header::REFRESH, value);
            response
        }
        Err(_) => response,
    }
}

/// Sends the browser on from a GET.
pub(super) fn redirect(url: &str) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::SEE_OTHER);
    private(&mut response);
    response.insert_header((header::LOCATION, url)).finish()
}

/// An error that must not, or cannot, be told to the client; or that the person may tell it, by the
/// link `back` to a place of that name.
pub(super) fn error(
    status: StatusCode,
    error: &oauth::Error,
    back: Option<(&str, &str)>,
) -> HttpResponse {
    let (title, message) = match (error, error.code()) {
        (oauth::Error::DocumentNotAccepted(host), _) => (
            "This application is not accepted as it is",
            format!(
                "This gateway takes no descriptions of applications from {host}. Remove the connection in \
                 the application and add it again, so that it registers here. If that changes nothing, \
                 ask the operator of this gateway."
            ),
        ),
        (oauth::Error::ClientDocument(host), _) => (
            "This application cannot be looked up",
            format!(
                "The application describes itself at {host}, and this gateway cannot fetch or use that \
                 description. Try again in a minute. If nothing changes, tell the operator of this \
                 gateway: its log says why, and what to do."
            ),
        ),
        (_, ErrorCode::InvalidClient) => (
            "This application is not registered here",
            "Its registration is unknown or has expired. Remove the connection in the application \
             and add it again: it will register anew."
                .to_owned(),
        ),
        (oauth::Error::TooManyRequests(_), _) => ("Too many requests", error.to_string()),
        (_, ErrorCode::TemporarilyUnavailable | ErrorCode::ServerError) => {
            ("Something is not working", error.to_string())
        }
        _ => ("This request cannot be answered", error.to_string()),
    };
    let code = error.code().as_str();
    html(status, |nonce| Failure { nonce, title, message, code, back }.render())
}

fn html(
    status: StatusCode,
    render: impl FnOnce(&str) -> Result<String, askama::Error>,
) -> HttpResponse {
    let Ok(nonce) = Identifier::generate() else {
        return HttpResponse::InternalServerError().finish();
    };
    let nonce = nonce.as_str();
    // The forms' target is ours; where they lead to is reached by a page, see `go_on`.
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'self'"
    );
    match render(nonce) {
        Ok(body) => {
            let mut response = HttpResponse::build(status);
            private(&mut response);
            response
                .insert_header((header::CONTENT_SECURITY_POLICY, policy))
                .insert_header((header::X_FRAME_OPTIONS, "DENY"))
                .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .content_type("text/html; charset=utf-8")
                .body(body)
        }
        Err(error) => {
            log::error!("page not rendered: {error}");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Neither kept in a cache nor told to the next site.
fn private(response: &mut HttpResponseBuilder) {
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"));
}
