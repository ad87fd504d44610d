//! A Docker that says what a test wants, in the form of Docker 20.10, with secrets wherever it has any.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) struct Container {
    name: String,
    image: BTreeMap<String, String>,
    own: BTreeMap<String, String>,
    image_is_there: bool,
}

fn map(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

impl Container {
    /// A container of an image with these labels.
    pub(crate) fn new(name: &str, image: &[(&str, &str)]) -> Self {
        let (image, own) = (map(image), BTreeMap::new());
        Self { name: name.to_owned(), image, own, image_is_there: true }
    }

    /// With these labels of the operator.
    pub(crate) fn labels(mut self, own: &[(&str, &str)]) -> Self {
        self.own = map(own);
        self
    }

    pub(crate) fn without_image(mut self) -> Self {
        self.image_is_there = false;
        self
    }

    fn id(&self) -> String {
        hexadecimal(&self.name)
    }

    fn image_id(&self) -> String {
        format!("sha256:{}", hexadecimal(&format!("image of {}", self.name)))
    }

    /// As Docker merges them.
    fn merged(&self) -> BTreeMap<&String, &String> {
        self.image.iter().chain(&self.own).collect()
    }

    fn summary(&self) -> Value {
        json!({
            "Id": self.id(), "Names": [format!("/{}", self.name)], "Image": "secret/image",
            "ImageID": self.image_id(), "Command": "server --identity-jwks u --password secret",
            "Created": 1, "Ports": [], "Labels": self.merged(), "State": "running",
            "Status": "Up 6 seconds", "HostConfig": { "NetworkMode": "net" },
            "Mounts": [{ "Source": "/secret" }],
        })
    }

    fn inspection(&self) -> Value {
        json!({
            "Id": self.id(), "Created": "2026-01-01T00:00:00Z", "Path": "secret", "Args": ["secret"],
            "Name": format!("/{}", self.name), "Image": self.image_id(),
            "State": {
                "Status": "running", "Running": true, "Error": "secret",
                "Health": { "Status": "healthy", "Log": [{ "Output": "secret" }] },
            },
            "HostConfig": { "NetworkMode": "net", "Binds": ["/secret:/x"] },
            "Mounts": [{ "Source": "/secret" }],
            "Config": {
                "Env": ["PASSWORD=secret", "MCP_IDENTITY_JWKS=http://secret@keys/jwks"],
                "Cmd": ["secret"], "Entrypoint": ["secret"], "Labels": self.merged(),
            },
            "NetworkSettings": {
                "Ports": { "80/tcp": null, "81/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "81" }] },
                "Networks": { "net": {
                    "IPAMConfig": null, "NetworkID": "n", "IPAddress": "172.18.0.2",
                    "GlobalIPv6Address": "", "DriverOpts": { "x": "secret" },
                } },
            },
        })
    }

    fn event(&self) -> Value {
        let mut attributes = json!(self.merged());
        attributes["name"] = json!(self.name);
        attributes["password"] = json!("secret");
        json!({
            "status": "start", "id": self.id(), "from": "secret/image", "Type": "container",
            "Action": "start", "Actor": { "ID": self.id(), "Attributes": attributes }, "time": 1,
        })
    }
}

/// 64 digits that depend on a text.
fn hexadecimal(text: &str) -> String {
    let digits: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{:0<64}", digits.concat())[..64].to_owned()
}

pub(crate) struct FakeEngine {
    pub(crate) socket: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
    _directory: TempDir,
}

impl FakeEngine {
    pub(crate) fn start(containers: Vec<Container>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, containers) = (Arc::clone(&asked), Arc::new(containers));
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (log, containers) = (Arc::clone(&log), Arc::clone(&containers));
                std::thread::spawn(move || serve(&connection, &log, &containers));
            }
        });
        Self { socket, asked, _directory: directory }
    }

    /// How many requests had `part` in their first line.
    pub(crate) fn asked(&self, part: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|line| line.contains(part)).count()
    }
}

fn serve(connection: &UnixStream, log: &Mutex<Vec<String>>, containers: &[Container]) {
    let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
    let Some(line) = lines.next() else { return };
    for _ in lines.by_ref().take_while(|line| !line.is_empty()) {}
    log.lock().unwrap().push(line.clone());
    let path = line.split(' ').nth(1).unwrap().split('?').next().unwrap();
    let path = match path.strip_prefix("/v1.") {
        Some(rest) => &rest[rest.find('/').unwrap()..],
        None => path,
    };
    let (status, body) = answer(path, containers);
    let head = format!(
        "HTTP/1.1 {status} X\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut connection = connection;
    let _ = connection.write_all(format!("{head}{body}").as_bytes());
}

fn answer(path: &str, containers: &[Container]) -> (u16, String) {
    let found = |value: Value| (200, value.to_string());
    let missing = |what: &str| (404, json!({ "message": format!("No such {what}") }).to_string());
    let inner = |prefix: &str| path.strip_prefix(prefix).and_then(|it| it.strip_suffix("/json"));
    match path {
        "/_ping" => (200, "OK".to_owned()),
        "/version" => found(json!({
            "Platform": { "Name": "" }, "Version": "20.10", "ApiVersion": "1.41",
            "MinAPIVersion": "1.12", "Os": "linux", "Arch": "amd64", "KernelVersion": "secret",
        })),
        "/containers/json" => found(containers.iter().map(Container::summary).collect()),
        "/events" => (200, format!("{}\n", containers[0].event())),
        _ => {
            if let Some(id) = inner("/containers/") {
                let one = containers.iter().find(|it| it.id() == id);
                return one.map_or_else(|| missing("container"), |it| found(it.inspection()));
            }
            let image = inner("/images/").and_then(|id| {
                containers.iter().find(|it| it.image_is_there && it.image_id() == id)
            });
            image.map_or_else(
                || missing("image"),
                |it| found(json!({ "Id": it.image_id(), "Config": { "Labels": it.image } })),
            )
        }
    }
}
