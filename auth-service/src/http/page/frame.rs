//! The frame of every page: the name of the gateway and its host, the operator, and where the style sheet is.

use actix_web::{HttpRequest, web::Data};

use super::{style, texts::Language};
use crate::{
    config::{Branding, Contact},
    http::requested_host::RequestedHost,
    model::current_request,
    oauth::AuthServer,
};

/// What `base.html` shows around the content of a page.
#[derive(Debug, Default)]
pub(in crate::http) struct Frame {
    /// The language of the reader, with all texts.
    pub(in crate::http) t: Language,
    /// The name of the gateway.
    pub(in crate::http) name: String,
    /// The host of the authorization server, with its port unless that is 443. People compare it.
    pub(in crate::http) host: String,
    /// The operator.
    pub(in crate::http) contact: Option<Contact>,
    /// The URL of the style sheet.
    pub(in crate::http) style: String,
    /// The origin of the style sheet, if it is not that of the page.
    pub(in crate::http) style_origin: Option<String>,
    /// The URL of `/me`, if people have pages of their own.
    pub(in crate::http) account_pages: Option<String>,
    /// The id of the request, which the log has, too.
    pub(in crate::http) request_id: Option<String>,
}

impl Frame {
    /// Returns the frame of the page that answers `request`.
    pub(in crate::http) fn of(request: &HttpRequest) -> Self {
        let Some(server) = request.app_data::<Data<AuthServer>>() else { return Self::default() };
        let config = &server.core.config;
        let Branding { name, contact } = config.branding.clone();
        // A page on the host of a server has its style sheet from here: there, the path belongs to the server.
        let elsewhere = RequestedHost::read(server, request).is_of_a_server(server);
        Self {
            t: Language::of(request.headers()),
            name,
            host: config.issuer.authority().to_owned(),
            contact,
            style: if elsewhere {
                config.issuer.at(style::path())
            } else {
                style::path().to_owned()
            },
            style_origin: elsewhere.then(|| config.issuer.as_str().to_owned()),
            account_pages: config.has_account_pages().then(|| config.issuer.at("/me")),
            request_id: current_request().map(|id| id.to_string()),
        }
    }
}
