//! Middleware for the rate limits per client address, applied before anything else. It wraps resources and not paths,
//! because only the router knows which spellings of a path are equivalent.

use std::pin::Pin;

use actix_web::{
    HttpResponse, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};

use super::{
    caller,
    error::{BrowserError, TokenError},
};
use crate::oauth::{AuthServer, Endpoint, Error};

type Answer<B> = Result<ServiceResponse<EitherBody<B>>, actix_web::Error>;
type Answering<B> = Pin<Box<dyn Future<Output = Answer<B>>>>;

/// Rate-limits requests to `endpoint`. Answers 429 in JSON beyond the limit.
pub(super) fn for_clients<B: MessageBody + 'static>(
    endpoint: Endpoint,
) -> impl Fn(ServiceRequest, Next<B>) -> Answering<B> + Clone {
    move |request, next| Box::pin(within(endpoint, request, next, TokenError::from))
}

/// Rate-limits requests to `endpoint`. Answers 429 with a page beyond the limit.
pub(super) fn for_browsers<B: MessageBody + 'static>(
    endpoint: Endpoint,
) -> impl Fn(ServiceRequest, Next<B>) -> Answering<B> + Clone {
    move |request, next| Box::pin(within(endpoint, request, next, BrowserError::from))
}

async fn within<B: MessageBody, E: ResponseError + 'static>(
    endpoint: Endpoint,
    request: ServiceRequest,
    next: Next<B>,
    told: fn(Error) -> E,
) -> Answer<B> {
    match check(endpoint, &request).await {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(error) => {
            let answer = HttpResponse::from_error(told(error));
            // `into_response` would drop the error, whose page is rendered later.
            let answer = ServiceResponse::new(request.into_parts().0, answer);
            Ok(answer.map_into_boxed_body().map_into_right_body())
        }
    }
}

async fn check(endpoint: Endpoint, request: &ServiceRequest) -> Result<(), Error> {
    let server = request.app_data::<Data<AuthServer>>().ok_or_else(|| {
        let why = "the application data of the router is missing";
        Error::Internal(why.into())
    })?;
    let address = caller::client_address(server, request.head());
    server.core.within_address_limits(address, endpoint).await
}
