//! A TCP link to the Redis of one test that can be cut, or made to swallow what it is given.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

#[derive(Default)]
struct State {
    cut: AtomicBool,
    stalled: AtomicBool,
    /// The number of requests until the link is cut; negative if it is not.
    left: AtomicI64,
    /// Whether the last of them still arrives.
    last_arrives: AtomicBool,
    open: Mutex<Vec<Arc<TcpStream>>>,
}

/// A running link.
pub struct Link {
    address: SocketAddr,
    state: Arc<State>,
}

impl Link {
    /// A link to the unix socket at `path`.
    pub fn to(path: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let link = Self {
            address: listener.local_addr().expect("an address"),
            state: Arc::new(State { left: AtomicI64::new(-1), ..State::default() }),
        };
        let state = Arc::clone(&link.state);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if !state.cut.load(SeqCst) {
                    carry(near, &path, &state);
                }
            }
        });
        link
    }

    /// The URL of Redis over this link.
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address)
    }

    /// Ends every connection, and takes no new one.
    pub fn cut(&self) {
        self.state.cut();
    }

    /// Ends one connection, if there is any.
    pub fn cut_one(&self, number: u64) {
        let mut open = self.state.open.lock().expect("the list");
        let Ok(count @ 1..) = u64::try_from(open.len()) else { return };
        let at = usize::try_from(number % count).expect("an index");
        let _ = open.swap_remove(at).shutdown(Shutdown::Both);
    }

    /// Carries nothing any more, and ends nothing.
    pub fn stall(&self) {
        self.state.stalled.store(true, SeqCst);
    }

    /// Carries so many requests more. The link is cut at the next one, which still arrives if `last_arrives`, while
    /// its answer does not.
    pub fn cut_after(&self, requests: i64, last_arrives: bool) {
        self.state.last_arrives.store(last_arrives, SeqCst);
        self.state.left.store(requests, SeqCst);
    }

    /// Returns `true` if the link is cut.
    pub fn is_cut(&self) -> bool {
        self.state.cut.load(SeqCst)
    }

    /// Carries again.
    pub fn mend(&self) {
        self.state.left.store(-1, SeqCst);
        self.state.cut.store(false, SeqCst);
        self.state.stalled.store(false, SeqCst);
    }
}

impl State {
    fn cut(&self) {
        self.cut.store(true, SeqCst);
        for connection in self.open.lock().expect("the list").drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Counts a request. Returns `false` if it must not arrive.
    fn admits(&self) -> bool {
        if self.left.load(SeqCst) < 0 {
            return true;
        }
        if self.left.fetch_sub(1, SeqCst) > 0 {
            return true;
        }
        // The answer never comes back, whether or not the request arrives.
        self.cut();
        self.last_arrives.load(SeqCst)
    }
}

fn carry(near: TcpStream, path: &str, state: &Arc<State>) {
    let Ok(far) = UnixStream::connect(path) else { return };
    near.set_nodelay(true).expect("TCP_NODELAY");
    let near = Arc::new(near);
    state.open.lock().expect("the list").push(Arc::clone(&near));
    let (up, down) = (Arc::clone(state), Arc::clone(state));
    let (from_near, to_far) = (Arc::clone(&near), far.try_clone().expect("a handle"));
    std::thread::spawn(move || {
        pump(&*from_near, &to_far, &up, || up.admits());
        let _ = to_far.shutdown(Shutdown::Both);
    });
    std::thread::spawn(move || {
        pump(far, &*near, &down, || true);
        let _ = near.shutdown(Shutdown::Both);
        down.open.lock().expect("the list").retain(|other| !Arc::ptr_eq(other, &near));
    });
}

fn pump(mut from: impl Read, mut to: impl Write, state: &State, admits: impl Fn() -> bool) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer) else { return };
        while state.stalled.load(SeqCst) {
            if state.cut.load(SeqCst) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        if !admits() || to.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}
