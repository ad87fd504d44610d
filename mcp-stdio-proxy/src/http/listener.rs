//! The HTTP/1.1 server of the proxy: that of actix, on connections whose refusals have a body.

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
use super::{Gate, routes};

/// An idle connection is kept this long: longer than proxies in front keep theirs.
const KEEP_ALIVE: Duration = Duration::from_mins(2);
/// The time limit of the head of a request.
const HEAD: Duration = Duration::from_secs(5);
/// The time limit for the end of a connection.
const DISCONNECT: Duration = Duration::from_secs(1);
/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// The server of `gate` on `listener`, which ends when it is told to.
pub fn serve(listener: TcpListener, gate: &Data<Gate>) -> io::Result<Server> {
    rustix::net::listen(&listener, BACKLOG)?;
    let address = listener.local_addr()?;
    let builder = Server::build().shutdown_timeout(1).disable_signals();
    let ending = builder.graceful_shutdown_signal();
    let gate = gate.clone();
    let factory = move || {
        let app = App::new().app_data(gate.clone()).configure(routes);
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
            // "The server MUST treat a client disconnect as cancellation" (2026-07-28): a client that
            // has closed its side is gone, and is noticed at once.
            .h1_allow_half_closed(false)
            .local_addr(address)
            .h1(map_config(app, |()| AppConfig::default()));
        let accept = |stream: TcpStream| async move {
            // Without it, only the last packet of an answer is late.
            let _set = stream.set_nodelay(true);
            let peer = stream.peer_addr().ok();
            Ok((Wire::new(stream), peer))
        };
        fn_service(accept).and_then(http)
    };
    Ok(builder.listen("mcp", listener, factory)?.run())
}
