//! Observations of a program during a step, from Traefik's access log and the audit log.

use gateway_tests::stack::Stack;
use serde_json::Value;

/// A place in both logs.
pub(crate) struct Mark {
    access: usize,
    audit: usize,
}

impl Mark {
    /// Marks the ends of the logs.
    pub(crate) fn now(stack: &Stack) -> Self {
        Self { access: stack.log("access.log").len(), audit: stack.log("auth-service.log").len() }
    }
}

/// The requests and events since a mark.
pub(crate) struct Observed {
    requests: Vec<Request>,
    audit: String,
}

struct Request {
    method: String,
    path: String,
    status: u64,
}

impl Observed {
    /// Reads the logs from `mark` on.
    pub(crate) fn since(stack: &Stack, mark: &Mark) -> Self {
        let access = stack.log("access.log");
        let lines = access[mark.access..].lines();
        let requests = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let request = |entry: Value| Request {
            method: entry["RequestMethod"].as_str().unwrap_or("").to_owned(),
            path: entry["RequestPath"].as_str().unwrap_or("").to_owned(),
            status: entry["DownstreamStatus"].as_u64().unwrap_or(0),
        };
        let audit = stack.log("auth-service.log")[mark.audit..].to_owned();
        Self { requests: requests.map(request).collect(), audit }
    }

    fn count(&self, method: &str, path: &str, statuses: std::ops::Range<u64>) -> usize {
        let counts = |request: &&Request| {
            request.method == method
                && request.path.split('?').next() == Some(path)
                && statuses.contains(&request.status)
        };
        self.requests.iter().filter(counts).count()
    }

    /// The steps of discovery: the challenge, and the documents that were fetched.
    pub(crate) fn discovery(&self) -> String {
        let fetched = |start: &str| {
            self.requests.iter().any(|one| one.path.starts_with(start) && one.status == 200)
        };
        let mut steps = Vec::new();
        if self.was_challenged() {
            steps.push("401");
        }
        if fetched("/.well-known/oauth-protected-resource") {
            steps.push("PRM");
        }
        if fetched("/.well-known/oauth-authorization-server") {
            steps.push("AS");
        }
        if fetched("/.well-known/openid-configuration") {
            steps.push("OIDC");
        }
        steps.join(" → ")
    }

    /// How the client of the login was known: by its document, or because it registered.
    pub(crate) fn registration(&self) -> String {
        let Some(client) = self.client() else { return "no login".to_owned() };
        if !client.contains("://") {
            let registered = self.count("POST", "/register", 200..300);
            return if registered > 0 { "DCR" } else { "DCR, earlier" }.to_owned();
        }
        let refused = "client document not fetched";
        let bundled =
            self.audit.lines().any(|line| line.contains(refused) && line.contains(&client));
        let how = if bundled { "bundled document" } else { "fetched" };
        format!("CIMD ({how})")
    }

    /// The client of the last login.
    fn client(&self) -> Option<String> {
        let last = self.audit.lines().rfind(|line| line.contains("login granted"))?;
        let client = last.split("client=").nth(1)?;
        client.split_whitespace().next().map(str::to_owned)
    }

    /// The number of logins that were granted.
    pub(crate) fn logins(&self) -> usize {
        self.audit.lines().filter(|line| line.contains("login granted")).count()
    }

    /// Returns `true` if a request to the server was answered with 401.
    pub(crate) fn was_challenged(&self) -> bool {
        self.requests.iter().any(|one| one.path.starts_with("/mcp") && one.status == 401)
    }

    /// The number of requests to the server that it answered.
    pub(crate) fn answered(&self) -> usize {
        self.count("POST", "/mcp", 200..203)
    }

    /// How the program came by a fresh token without a login: before the old one was refused, or after.
    pub(crate) fn refresh(&self) -> Option<&'static str> {
        let at = |wanted: &dyn Fn(&Request) -> bool| self.requests.iter().position(wanted);
        let token = at(&|one| one.path == "/token" && one.status == 200)?;
        let refused = at(&|one| one.path.starts_with("/mcp") && one.status == 401);
        Some(match refused {
            Some(refused) if refused < token => "when refused (401)",
            _ => "by its own clock",
        })
    }
}
