//! The HTTP/1.1 server of the proxy. It is that of actix, on connections whose errors have a body.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_http::HttpService;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::{AppConfig, Server};
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use actix_web::{App, Error};

use super::wire::Wire;
use super::{AppState, routes};

/// The timeout of an idle connection, longer than that of reverse proxies in front.
const KEEP_ALIVE: Duration = Duration::from_mins(2);
/// The timeout for the head of a request.
const HEAD: Duration = Duration::from_secs(5);
/// The timeout for closing a connection.
const DISCONNECT: Duration = Duration::from_secs(1);
/// The maximum number of connections waiting to be accepted.
const BACKLOG: i32 = 1024;

/// Returns the server of `gate` on `listener`, which runs until it is stopped.
pub fn serve(listener: TcpListener, app: &Data<AppState>) -> io::Result<Server> {
    rustix::net::listen(&listener, BACKLOG)?;
    let address = listener.local_addr()?;
    let builder = Server::build().shutdown_timeout(1).disable_signals();
    let ending = builder.graceful_shutdown_signal();
    let app = app.clone();
    let factory = move || {
        let app = App::new().app_data(app.clone()).configure(routes);
        let app = app.into_factory().map_err(|error: Error| error.error_response());
        let ending = ending.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let ending = ending.clone();
                async move { ending.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD)
            .client_disconnect_timeout(DISCONNECT)
            // "The server MUST treat a client disconnect as cancellation" (2026-07-28). A client that has
            // closed its side counts as disconnected, and is detected immediately.
            .h1_allow_half_closed(false)
            .local_addr(address)
            .h1(map_config(app, |()| AppConfig::default()));
        let accept = |stream: TcpStream| async move {
            // Without this option, only the last packet of a response is delayed.
            let _set = stream.set_nodelay(true);
            let peer = stream.peer_addr().ok();
            Ok((Wire::new(stream), peer))
        };
        fn_service(accept).and_then(http)
    };
    Ok(builder.listen("mcp", listener, factory)?.run())
}
