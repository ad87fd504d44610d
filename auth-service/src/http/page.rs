//! The HTML pages and their security headers.

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
    back: Option<ReturnLink<'a>>,
}

/// A link by which the person reports an error to the application.
#[derive(Clone, Copy)]
pub(super) struct ReturnLink<'a> {
    pub(super) url: &'a str,
    /// The name of the host that the link leads to.
    pub(super) destination: &'a str,
}

/// Renders the consent page. If a server must be chosen first, renders the page for that choice.
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

/// Renders the form for the code that a device shows. `wrong` marks the last entry as invalid.
pub(super) fn device(wrong: bool) -> HttpResponse {
    let status = if wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    html(status, |nonce| AskForCode { nonce, wrong }.render())
}

/// Renders the page that says that the operator has turned the device grant off.
pub(super) fn devices_off() -> HttpResponse {
    let failure = |nonce: &str| {
        let message = "The operator of this gateway has turned this off. If somebody sent you here with a \
                       code, ignore it.";
        let title = "Devices cannot be connected here";
        let message = message.to_owned();
        Failure { nonce, title, message, code: "device_grant is off", back: None }.render()
    };
    html(StatusCode::NOT_FOUND, failure)
}

/// Renders the page for a device that was allowed.
pub(super) fn device_allowed() -> HttpResponse {
    html(StatusCode::OK, |nonce| DeviceAllowed { nonce }.render())
}

/// Renders the page for a device that was declined.
pub(super) fn device_declined() -> HttpResponse {
    html(StatusCode::OK, |nonce| DeviceDeclined { nonce }.render())
}

/// Renders the page that explains how to add a server to an MCP client.
pub(super) fn server(server: &ServerPage) -> HttpResponse {
    html(StatusCode::OK, |nonce| Server { nonce, server }.render())
}

/// Renders the page that explains the purpose of the login host. `example` is the URL of a server. If `devices` is
/// `true`, the page links to the form for device codes.
pub(super) fn gateway(example: &str, devices: bool) -> HttpResponse {
    html(StatusCode::OK, |nonce| Gateway { nonce, example, devices }.render())
}

/// Renders the 404 page for a path that is neither a page nor a server.
pub(super) fn nothing_here() -> HttpResponse {
    let failure = |nonce: &str| {
        let title = "Page not found";
        let message = "This address is neither a page nor an MCP server. Check the name of the server; its URL \
                       ends in /mcp.";
        let message = message.to_owned();
        Failure { nonce, title, message, code: "not_found", back: None }.render()
    };
    html(StatusCode::NOT_FOUND, failure)
}

/// Forwards the browser after a form, by an intermediate page. `form-action` of the page with the form would apply to a
/// redirect and to all its further hops, which are not known here. It does not apply to a refresh of another page.
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

/// Redirects the browser after a GET (303).
pub(super) fn redirect(url: &str) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::SEE_OTHER);
    private(&mut response);
    response.insert_header((header::LOCATION, url)).finish()
}

/// Renders an error that must not or cannot be sent to the client. With `back`, the
/// person can report the error to the client by a link.
pub(super) fn error(
    status: StatusCode,
    error: &oauth::Error,
    back: Option<ReturnLink<'_>>,
) -> HttpResponse {
    let (title, message) = match (error, error.code()) {
        (oauth::Error::DocumentNotAccepted(host), _) => (
            "This application is not accepted",
            format!(
                "This gateway does not accept client metadata from {host}. Remove the connection in \
                 the application and add it again, so that it registers here. If that does not help, \
                 ask the operator of this gateway."
            ),
        ),
        (oauth::Error::ClientDocument(host), _) => (
            "This application cannot be looked up",
            format!(
                "This gateway cannot fetch or use the client metadata that the application publishes at \
                 {host}. Try again in a minute. If that does not help, tell the operator of this \
                 gateway: its log has the reason and the remedy."
            ),
        ),
        (_, ErrorCode::InvalidClient) => (
            "This application is not registered here",
            "Its registration is unknown or has expired. Remove the connection in the application \
             and add it again; it then registers itself."
                .to_owned(),
        ),
        (oauth::Error::TooManyRequests(_), _) => ("Too many requests", error.to_string()),
        (_, ErrorCode::TemporarilyUnavailable | ErrorCode::ServerError) => {
            ("Something went wrong", error.to_string())
        }
        _ => ("This request was refused", error.to_string()),
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
    // Forms submit to this server alone. Their final destination is reached by a page, see `go_on`.
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
            log::error!("cannot render a page: {error}");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Sets the headers that keep a page out of caches and its URL out of `Referer`.
fn private(response: &mut HttpResponseBuilder) {
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"));
}
