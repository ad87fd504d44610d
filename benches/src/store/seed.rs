//! Grants of made-up people, with an access token and a refresh token each, as a backup has them.

use auth_service::model::{Fingerprint, UnixTime};
use auth_service::store::{Entry, Held};
use serde_json::{Value, json};

/// The number of servers, among which grants are spread.
const SERVERS: usize = 7;

/// How many there are.
#[derive(Clone, Copy, Debug)]
pub struct Seed {
    /// Grants.
    pub grants: usize,
    /// When they were made.
    pub now: UnixTime,
}

impl Seed {
    /// The people, ten grants each.
    #[must_use]
    pub fn people(&self) -> usize {
        (self.grants / 10).max(10)
    }

    /// The clients; the default of `MAX_CLIENTS` bounds them.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.people().min(10_000)
    }

    /// The URL of a server.
    #[must_use]
    pub fn server(number: usize) -> String {
        format!("https://server{}.bench.example/mcp", number % SERVERS)
    }

    /// The records of grants `from` to `to`.
    pub fn entries(self, from: usize, to: usize) -> impl Iterator<Item = Entry> {
        (from..to.min(self.grants)).flat_map(move |number| self.records(number))
    }

    fn records(&self, number: usize) -> [Entry; 3] {
        let user = format!("user{}", number % self.people());
        // Not in step with the people.
        let client = format!("client{}", number.wrapping_mul(7919) % self.clients());
        let name = |kind: &str| {
            let hash = Fingerprint::of(&format!("{kind} {number}")).to_string();
            hash.get(..22).unwrap_or_default().to_owned()
        };
        let (grant, jti) = (name("grant"), name("token"));
        let resources = [Self::server(number.wrapping_mul(31))];
        let subject = format!("local:{user}");
        let (hour, month) = (self.now.0 + 3600, self.now.0 + 2_592_000);
        let created = self.now.0 - i64::try_from(number % 2_000_000).unwrap_or(0);
        let entry = |key: String, value: Value, end: i64| Entry {
            key: format!("mcpgw:{key}"),
            expires_at_ms: Some(end * 1000),
            value: Held::String(value.to_string()),
        };
        [
            entry(
                format!("grant:{{{grant}}}"),
                json!({
                    "id": grant, "user": { "subject": subject, "name": user },
                    "client_id": client, "client_name": "Claude", "resources": resources,
                    "scopes": "mcp", "created_at": created, "expires_at": month,
                }),
                month,
            ),
            entry(
                format!("access:{{{grant}}}:{jti}"),
                json!({
                    "jti": jti, "grant": grant, "subject": subject, "name": user,
                    "client_id": client, "resources": resources, "scopes": "mcp",
                    "issued_at": self.now, "expires_at": hour,
                }),
                hour,
            ),
            entry(
                format!("refresh:{}", Fingerprint::of(&format!("refresh {number}"))),
                json!({ "grant": grant, "expires_at": month }),
                month,
            ),
        ]
    }
}
