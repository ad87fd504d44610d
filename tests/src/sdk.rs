//! The official SDKs as headless clients: programs that all understand the same commands.
//!
//! A command and its answer are a line of JSON each. `open` discovers, registers (or comes with the id
//! of a metadata document), logs in and lists the tools; `call` calls one; `expire-and-call` makes the
//! access token old first, in the way in which that SDK notices it. Every answer has the access token
//! in use and the number of logins so far.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::stack::{Gateway, root};

/// An official SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// `@modelcontextprotocol/client` 2.x.
    TypeScript2,
    /// `@modelcontextprotocol/sdk` 1.x.
    TypeScript1,
    /// `mcp` 2.x.
    Python2,
    /// `mcp` 1.x.
    Python1,
    /// `rmcp`.
    Rust,
}

impl Sdk {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::TypeScript2, Self::TypeScript1, Self::Python2, Self::Python1, Self::Rust];

    /// A word for it.
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// The package that `scripts/test` installs.
    pub fn package(self) -> &'static str {
        match self {
            Self::TypeScript2 => "@modelcontextprotocol/client 2.4.0",
            Self::TypeScript1 => "@modelcontextprotocol/sdk 1.32.2",
            Self::Python2 => "mcp 2.3.0",
            Self::Python1 => "mcp 1.30.0",
            Self::Rust => "rmcp 3.11.0",
        }
    }

    fn command(self) -> Command {
        let python = |tools: &str| {
            let mut command = Command::new(root().join(".tools").join(tools).join("bin/python"));
            command.arg(root().join("tests/clients/python/driver.py"));
            command
        };
        let node = |generation: &str| {
            let mut command = Command::new("node");
            command.arg(root().join("tests/clients/typescript/driver.mjs")).arg(generation);
            command
        };
        match self {
            Self::TypeScript2 => node("client"),
            Self::TypeScript1 => node("sdk"),
            Self::Python2 => python("client-python-2"),
            Self::Python1 => python("client-python-1"),
            Self::Rust => {
                // Beside this test: target/debug/deps/…, target/debug/rmcp-driver.
                let test = env::current_exe().expect("this program");
                let debug = test.parent().and_then(|deps| deps.parent()).expect("target/debug");
                Command::new(debug.join("rmcp-driver"))
            }
        }
    }
}

/// A running client.
pub struct Driver {
    sdk: Sdk,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What it answered.
#[derive(Debug)]
pub struct Answer {
    /// `tools`, or `result`.
    pub body: Value,
    /// How often a person had to log in.
    pub logins: u64,
    /// The access token.
    pub token: String,
    /// Its claims.
    pub claims: Value,
}

impl Driver {
    /// Starts the client of `sdk`, which trusts the CA of `stack`.
    pub fn start(sdk: Sdk, stack: &impl Gateway) -> Self {
        let mut process = sdk
            .command()
            .env("SSL_CERT_FILE", stack.ca())
            .env("NODE_EXTRA_CA_CERTS", stack.ca())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{sdk:?} is not installed: {error}"));
        let input = process.stdin.take().expect("a pipe");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        Self { sdk, process, input, output }
    }

    /// A word for its SDK, that may be part of a host name.
    pub fn name(&self) -> String {
        self.sdk.name()
    }

    /// Connects to a server as a new client; `more` adds `client_id` or `login_code`.
    pub fn open(&mut self, url: &str, more: &[(&str, &str)]) -> Answer {
        let mut command =
            json!({ "do": "open", "url": url, "callback": "http://localhost:7778/callback" });
        for (name, value) in more {
            command[*name] = json!(value);
        }
        self.ask(&command)
    }

    /// Calls a tool.
    pub fn call(&mut self, tool: &str, arguments: &Value) -> Answer {
        self.ask(&json!({ "do": "call", "tool": tool, "arguments": arguments }))
    }

    /// Calls a tool when the access token has expired.
    pub fn expire_and_call(&mut self, tool: &str, arguments: &Value) -> Answer {
        self.ask(&json!({ "do": "expire-and-call", "tool": tool, "arguments": arguments }))
    }

    fn ask(&mut self, command: &Value) -> Answer {
        writeln!(self.input, "{command}").expect("the client reads");
        let mut line = String::new();
        let read = self.output.read_line(&mut line);
        assert!(read.is_ok_and(|count| count > 0), "{:?} gave up at {command}", self.sdk);
        let body: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            panic!("{:?} answered {line:?}: {error}", self.sdk);
        });
        let token = body["token"].as_str().expect("a token").to_owned();
        let claims = token.split('.').nth(1).expect("a JWT");
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64url");
        Answer {
            logins: body["logins"].as_u64().expect("a number"),
            claims: serde_json::from_slice(&claims).expect("JSON"),
            token,
            body,
        }
    }
}

impl Answer {
    /// Asserts that the result of a call has `word` in it.
    #[track_caller]
    pub fn assert_says(&self, word: &str) {
        assert!(self.body["result"].to_string().contains(word), "{:?}", self.body);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
