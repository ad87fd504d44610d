//! Middleware that renders the page of a [`BrowserError`], which does not know the request.

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};

use super::{
    error::BrowserError,
    page::{self, ReturnLink},
};
use crate::oauth::AuthorizeError;

/// Gives each response to a [`BrowserError`] its page, in the language of its reader.
pub(super) async fn rendered<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answer = next.call(request).await?.map_into_boxed_body();
    let page =
        answer.response().error().and_then(Error::as_error::<BrowserError>).and_then(|error| {
            let (error, back) = match &error.0 {
                AuthorizeError::Page(error) => (error, None),
                AuthorizeError::Link { url, destination, error } => {
                    (error, Some(ReturnLink { url, destination }))
                }
                AuthorizeError::Redirect(..) => return None,
            };
            Some(page::error(answer.request(), answer.status(), error, back))
        });
    let Some(page) = page else { return Ok(answer) };
    let (request, answer) = answer.into_parts();
    let (head, body) = page.into_parts();
    let mut answer = answer.set_body(body);
    for (name, value) in head.headers() {
        answer.headers_mut().insert(name.clone(), value.clone());
    }
    Ok(ServiceResponse::new(request, answer))
}
