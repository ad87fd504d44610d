//! The signed-in person behind a request, and what a request needs before it has any effect.

use actix_web::{
    FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder,
    body::{EitherBody, MessageBody},
    dev::{AppService, HttpServiceFactory, ServiceRequest, ServiceResponse},
    middleware::Next,
    web::{self, Data},
};
use url::form_urlencoded;

use crate::{
    http::{browser, error::BrowserError, not_allowed, page},
    oauth::{AuthServer, Error, Viewer},
};

/// A page that shows something on GET, changes something on POST, or both.
pub(in crate::http) struct Page {
    resource: Resource,
    methods: &'static str,
}

/// Returns the page at `path`.
pub(in crate::http) fn page(path: &str) -> Page {
    Page { resource: web::resource(path.to_owned()), methods: "" }
}

impl Page {
    /// Shows the page.
    pub(in crate::http) fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args, Output: Responder>,
        Args: FromRequest + 'static,
    {
        let methods = if self.methods.is_empty() { "GET" } else { "GET, POST" };
        Self { resource: self.resource.route(web::get().to(handler)), methods }
    }

    /// Handles the form of the page.
    pub(in crate::http) fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args, Output: Responder>,
        Args: FromRequest + 'static,
    {
        let methods = if self.methods.is_empty() { "POST" } else { "GET, POST" };
        Self { resource: self.resource.route(web::post().to(handler)), methods }
    }
}

impl HttpServiceFactory for Page {
    fn register(self, config: &mut AppService) {
        self.resource.default_service(not_allowed(self.methods)).register(config);
    }
}

/// Answers 404 where people have no pages.
pub(in crate::http) async fn if_on<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let server = request.app_data::<Data<AuthServer>>();
    if server.is_some_and(|server| server.core.config.has_account_pages()) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let answer = page::nothing_here(request.request());
    Ok(request.into_response(answer).map_into_boxed_body().map_into_right_body())
}

/// Answers a path below the pages that is none of them, and an id that is not the person's.
pub(in crate::http) async fn not_found(request: HttpRequest) -> HttpResponse {
    page::nothing_here(&request)
}

/// The outcome of a check that a request must pass: the request, or the answer to one that does not pass.
pub(in crate::http) type Checked<T> = Result<T, Refused>;

/// The answer to a request that did not pass a check: a redirect to the sign-in, or a page with an error.
pub(in crate::http) struct Refused(Box<HttpResponse>);

impl Refused {
    pub(in crate::http) fn with(answer: HttpResponse) -> Self {
        Self(Box::new(answer))
    }

    /// Returns the answer where the page, or what it is about, does not exist for this person.
    pub(in crate::http) fn not_found(request: &HttpRequest) -> Self {
        Self::with(page::nothing_here(request))
    }
}

impl<E: Into<BrowserError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::with(HttpResponse::from_error(error.into()))
    }
}

/// Turns the outcome of a handler into its answer.
pub(in crate::http) fn answered(outcome: Checked<HttpResponse>) -> HttpResponse {
    outcome.unwrap_or_else(|Refused(answer)| *answer)
}

/// Returns the person who is signed in. Everybody else is sent to the sign-in, which leads back.
pub(in crate::http) async fn signed_in(
    server: &AuthServer,
    request: &HttpRequest,
) -> Checked<Viewer> {
    let browser = browser::browser(server, request).map_err(Error::from)?;
    let viewer = server.accounts.viewer(&browser).await?;
    viewer.ok_or_else(|| Refused::with(to_sign_in(request, "")))
}

/// Returns the person who signed in within the last minutes. Others sign in again first.
pub(in crate::http) async fn freshly_signed_in(
    server: &AuthServer,
    request: &HttpRequest,
) -> Checked<Viewer> {
    fresh(request, signed_in(server, request).await?)
}

/// Returns `viewer` who signed in within the last minutes. Others sign in again first.
pub(in crate::http) fn fresh(request: &HttpRequest, viewer: Viewer) -> Checked<Viewer> {
    if viewer.is_fresh {
        return Ok(viewer);
    }
    Err(Refused::with(to_sign_in(request, "&again=1")))
}

/// Redirects to the sign-in, which leads back to the page of this request.
fn to_sign_in(request: &HttpRequest, more: &str) -> HttpResponse {
    let path = request.uri().path_and_query().map_or("/me", |path| path.as_str());
    let path: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    page::redirect(&format!("/sign-in?return_to={path}{more}"))
}
