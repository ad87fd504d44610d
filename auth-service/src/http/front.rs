//! Entry point. `/verify` bypasses the router, which would cost as much as the decision.
//!
//! No body is read over HTTP/2, which Traefik uses only for `/verify`. For a body that stays unread, h2 0.3 queues
//! empty DATA frames without limit (RUSTSEC-2026-0258). If the payload is dropped, as here, it discards them.

use std::sync::{Arc, atomic::Ordering};

use actix_http::{ConnectionType, Request};
use actix_service::{Service, ServiceFactory, apply_fn_factory};
use actix_web::{
    App, Error, HttpResponse,
    body::BoxBody,
    dev::{AppConfig, Response, ServiceResponse},
    http::{Method, Version, header::ALLOW},
    middleware::from_fn,
    web::Data,
};
use futures_util::future::Either;
use serde_json::json;

use gateway_contract::audit::Id;

use super::{access_log::Line, error_pages, request_id, routes, verify};
use crate::{
    model::with_request,
    oauth::{AuthServer, Endpoint},
};

/// Returns the service of a listener: `/verify` and all routes.
pub fn service(
    server: &Data<AuthServer>,
) -> impl ServiceFactory<
    Request,
    Config = AppConfig,
    Response = Response<BoxBody>,
    Error = Error,
    InitError = (),
> + use<> {
    let server = server.clone();
    let app =
        App::new().app_data(server.clone()).configure(routes).wrap(from_fn(error_pages::rendered));
    apply_fn_factory(app, move |request, app: &_| {
        let is_draining = Arc::clone(&server.is_draining);
        let id = Id::new();
        let answer = with_request(id, serve(&server, request, app, id));
        async move {
            let mut answer = answer.await?;
            request_id::add(&mut answer, id);
            // The next request of this peer goes to another instance.
            if is_draining.load(Ordering::Relaxed) {
                answer.head_mut().set_connection_type(ConnectionType::Close);
            }
            Ok(answer)
        }
    })
}

fn serve<R>(
    server: &Data<AuthServer>,
    mut request: Request,
    app: &R,
    id: Id,
) -> impl Future<Output = Result<Response<BoxBody>, Error>> + use<R>
where
    R: Service<Request, Response = ServiceResponse, Error = Error>,
{
    let line = Line::begin(request.head(), id);
    let over_http2 = request.head().version == Version::HTTP_2;
    if over_http2 {
        drop(request.take_payload());
    }
    let answer = if request.path() == Endpoint::Verify.path() {
        let verified = verify::serve(server.clone(), request);
        Either::Left(async { Ok(verified.await) })
    } else if over_http2 && !matches!(*request.method(), Method::GET | Method::HEAD) {
        Either::Right(Either::Left(async { Ok(no_bodies().into()) }))
    } else {
        let routed = app.call(request);
        Either::Right(Either::Right(async { routed.await.map(Response::from) }))
    };
    match line {
        None => Either::Left(answer),
        Some(line) => Either::Right(line.around(answer)),
    }
}

/// Returns 405 with the allowed methods (RFC 9110 §15.5.6).
fn no_bodies() -> HttpResponse {
    HttpResponse::MethodNotAllowed().insert_header((ALLOW, "GET, HEAD")).json(json!({
        "error": "invalid_request",
        "error_description": "this endpoint is not served over HTTP/2; use HTTP/1.1",
    }))
}
