//! A socket proxy as people put before Docker: it permits the list of containers, looking at one and at its
//! image, and events, and refuses the rest. Its connections can be cut.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use crate::engine::SOCKET;

#[derive(Default)]
struct State {
    cut: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
    refused: Mutex<Vec<String>>,
}

pub(crate) struct SocketProxy {
    pub(crate) endpoint: String,
    state: Arc<State>,
}

impl SocketProxy {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if !serving.cut.load(SeqCst) {
                    let state = Arc::clone(&serving);
                    std::thread::spawn(move || serve(near, &state));
                }
            }
        });
        Self { endpoint, state }
    }

    /// Ends all connections, and every new one at once.
    pub(crate) fn cut(&self) {
        self.state.cut.store(true, SeqCst);
        for connection in self.state.open.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn mend(&self) {
        self.state.cut.store(false, SeqCst);
    }

    /// What was asked for and is not permitted.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.state.refused.lock().unwrap().clone()
    }
}

/// One request a connection, as the client makes them.
fn serve(mut near: TcpStream, state: &State) {
    state.open.lock().unwrap().push(near.try_clone().unwrap());
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if !near.read(&mut byte).is_ok_and(|count| count == 1) {
            return;
        }
        head.push(byte[0]);
    }
    let text = String::from_utf8(head.clone()).unwrap();
    let line = text.lines().next().unwrap().to_owned();
    if !permitted(&line) {
        state.refused.lock().unwrap().push(line);
        let _ = near.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        return;
    }
    let mut far = UnixStream::connect(SOCKET).expect("docker listens");
    far.write_all(&head).unwrap();
    let mut gone = near.try_clone().unwrap();
    let ending = far.try_clone().unwrap();
    std::thread::spawn(move || {
        // Nothing more is said from here; the end is passed on.
        let _ = gone.read(&mut [0]);
        let _ = ending.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = far.read(&mut buffer) {
        if near.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = near.shutdown(Shutdown::Both);
}

fn permitted(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("GET /v1.") else { return false };
    let Some((_, path)) = rest.split_once('/') else { return false };
    let path = path.split([' ', '?']).next().unwrap();
    let looks = path.starts_with("containers/") || path.starts_with("images/sha256:");
    ["events", "version"].contains(&path) || (looks && path.ends_with("json"))
}
