//! The floor of the measurement: the body of a POST becomes a line of a child's input, the child's
//! next line becomes the answer, and nothing else happens. The HTTP library and its options are the
//! proxy's own.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, error, web};
use anyhow::Context as _;
use clap::Parser;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;

#[derive(Parser)]
struct Options {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
    /// The server: a command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// A child, and those who wait for its lines, in the order of their requests.
struct Session {
    stdin: tokio::sync::Mutex<ChildStdin>,
    waiting: Mutex<VecDeque<oneshot::Sender<Vec<u8>>>>,
}

struct Floor {
    command: Vec<String>,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let floor = Data::new(Floor { command: options.command, sessions: Mutex::default() });
    let app = move || {
        let limit = web::PayloadConfig::new(16 << 20);
        App::new().app_data(limit).app_data(floor.clone()).route("/mcp", web::post().to(post))
    };
    Ok(HttpServer::new(app).tcp_nodelay(true).bind(options.listen)?.run().await?)
}

async fn post(
    floor: Data<Floor>,
    request: HttpRequest,
    body: Bytes,
) -> actix_web::Result<HttpResponse> {
    answer(&floor, &request, body).await.map_err(error::ErrorInternalServerError)
}

async fn answer(floor: &Floor, request: &HttpRequest, body: Bytes) -> anyhow::Result<HttpResponse> {
    let id = request.headers().get("mcp-session-id").map(|id| id.to_str()).transpose()?;
    let is_request = memchr::memmem::find(&body, br#""id":"#).is_some();
    let mut response = if is_request { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    let session = match id {
        Some(id) => lock(&floor.sessions).get(id).cloned().context("no such session")?,
        None => {
            let id = format!("session-{}", lock(&floor.sessions).len());
            response.insert_header(("mcp-session-id", id.as_str()));
            floor.open(id)?
        }
    };
    let line = session.ask(&body, is_request).await?;
    Ok(response.content_type("application/json").body(line))
}

impl Floor {
    fn open(&self, id: String) -> anyhow::Result<Arc<Session>> {
        let (program, args) = self.command.split_first().context("no command")?;
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let session =
            Arc::new(Session { stdin: tokio::sync::Mutex::new(stdin), waiting: Mutex::default() });
        lock(&self.sessions).insert(id, Arc::clone(&session));
        actix_web::rt::spawn(read(child, BufReader::new(stdout), Arc::clone(&session)));
        Ok(session)
    }
}

impl Session {
    async fn ask(&self, body: &[u8], is_request: bool) -> anyhow::Result<Vec<u8>> {
        let line = [body, b"\n"].concat();
        let mut stdin = self.stdin.lock().await;
        if !is_request {
            stdin.write_all(&line).await?;
            return Ok(Vec::new());
        }
        let (sender, receiver) = oneshot::channel();
        lock(&self.waiting).push_back(sender);
        stdin.write_all(&line).await?;
        drop(stdin);
        Ok(receiver.await?)
    }
}

async fn read(
    mut child: tokio::process::Child,
    mut stdout: BufReader<ChildStdout>,
    session: Arc<Session>,
) -> anyhow::Result<()> {
    let mut line = Vec::new();
    while stdout.read_until(b'\n', &mut line).await? > 0 {
        let mut whole = std::mem::take(&mut line);
        whole.pop();
        if let Some(sender) = lock(&session.waiting).pop_front() {
            // Whoever asked may have gone.
            let _gone = sender.send(whole);
        }
    }
    lock(&session.waiting).clear();
    child.wait().await?;
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
