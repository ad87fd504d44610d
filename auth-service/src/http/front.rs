//! What a request meets first: `/verify`, which is asked for with every MCP request and goes around
//! the routes, since they cost it as much as the decision; or the routes of all else.

use actix_http::Request;
use actix_service::{Service, ServiceFactory, apply_fn_factory};
use actix_web::{
    App, Error,
    body::BoxBody,
    dev::{AppConfig, Response, ServiceResponse},
    web::Data,
};
use futures_util::future::Either;

use super::{access_log::Line, routes, verify};
use crate::oauth::{AuthServer, Endpoint};

/// All that a listener serves.
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
    let app = App::new().app_data(server.clone()).configure(routes);
    apply_fn_factory(app, move |request, app: &_| serve(&server, request, app))
}

fn serve<R>(
    server: &Data<AuthServer>,
    request: Request,
    app: &R,
) -> impl Future<Output = Result<Response<BoxBody>, Error>> + use<R>
where
    R: Service<Request, Response = ServiceResponse, Error = Error>,
{
    let line = Line::begin(request.head());
    let answer = if request.path() == Endpoint::Verify.path() {
        let verified = verify::serve(server.clone(), request);
        Either::Left(async { Ok(verified.await) })
    } else {
        let routed = app.call(request);
        Either::Right(async { routed.await.map(Response::from) })
    };
    match line {
        None => Either::Left(answer),
        Some(line) => Either::Right(line.around(answer)),
    }
}
