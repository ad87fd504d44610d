//! Texts that a peer may send: messages as they should be, as nobody would write them, and broken ones.

/// Names that mean something to a translation, in one place of a message or another.
const NAMES: [&str; 36] = [
    "_meta",
    "progressToken",
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/logLevel",
    "io.modelcontextprotocol/serverInfo",
    "io.modelcontextprotocol/subscriptionId",
    "inputResponses",
    "requestState",
    "inputRequests",
    "resultType",
    "ttlMs",
    "cacheScope",
    "supportedVersions",
    "capabilities",
    "serverInfo",
    "protocolVersion",
    "structuredContent",
    "outputSchema",
    "tools",
    "task",
    "tasks",
    "taskIds",
    "notifications",
    "extensions",
    "io.modelcontextprotocol/tasks",
    "io.modelcontextprotocol/related-task",
    "roots",
    "name",
    "uri",
    "arguments",
    "params",
    "method",
    "mode",
    "code",
];

const METHODS: [&str; 10] = [
    "tools/call",
    "tools/list",
    "prompts/get",
    "resources/read",
    "server/discover",
    "initialize",
    "elicitation/create",
    "roots/list",
    "notifications/progress",
    "com.example/x",
];

/// A source of numbers that is the same for the same seed (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    /// The source of `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(0) % end
    }

    /// True `percent` times of a hundred.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `all`.
    pub(crate) fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn blank(&mut self) -> &'static str {
        if self.chance(90) { "" } else { self.one_of(&[" ", "  ", "\t", "\n", "\r\n"]) }
    }

    /// A JSON string.
    pub(crate) fn string(&mut self) -> String {
        let text = match self.below(8) {
            0 => self.one_of(&NAMES),
            1 => self.one_of(&METHODS),
            2 => self.one_of(&[
                "2026-07-28",
                "2025-11-25",
                "input_required",
                "complete",
                "url",
                "form",
            ]),
            3 => self.one_of(&["}", "]", "{\\\"a\\\":1}", "\\\\", "\\\"", ",", ":"]),
            4 => self.one_of(&[
                "é",
                "\\u00e9",
                "日本",
                "\\ud83d\\ude00",
                "\u{1f600}",
                "\\u0000",
                "\u{2028}",
            ]),
            5 => "",
            _ => self.one_of(&["a", "b", "c\\/d", "object", "error", "debug"]),
        };
        format!("\"{text}\"")
    }

    /// The name of a member, with its quotes.
    fn name(&mut self) -> String {
        let name =
            if self.chance(75) { self.one_of(&NAMES) } else { self.one_of(&["a", "b", "c", ""]) };
        match self.below(20) {
            0 => format!("\"{}\"", name.replace('/', "\\/")),
            1 => format!("\"{}\"", name.replace('o', "\\u006f")),
            _ => format!("\"{name}\""),
        }
    }

    /// Any JSON value, not much deeper than `depth`.
    pub(crate) fn value(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 6 } else { 10 }) {
            0 | 1 => self.string(),
            2 => self
                .one_of(&["0", "-1", "7", "1.0", "-2.5e3", "1E400", "18446744073709551616"])
                .to_owned(),
            3 => self.one_of(&["true", "false"]).to_owned(),
            4 => "null".to_owned(),
            5 => self.one_of(&["{}", "[]", "{ }", "[\n]"]).to_owned(),
            6 => {
                let items: Vec<_> = (0..self.below(4)).map(|_| self.value(depth - 1)).collect();
                format!("[{}{}]", self.blank(), items.join(","))
            }
            _ => self.object(depth - 1),
        }
    }

    /// An object; names may repeat.
    pub(crate) fn object(&mut self, depth: usize) -> String {
        let mut text = format!("{{{}", self.blank());
        for number in 0..self.below(5) {
            if number > 0 {
                text += ",";
            }
            text += self.blank();
            text += &self.name();
            text += self.blank();
            text += ":";
            text += self.blank();
            text += &self.value(depth);
            text += self.blank();
        }
        text + "}"
    }

    fn id(&mut self) -> &'static str {
        self.one_of(&["1", "-7", "\"a\"", "\"a\\\"b\"", "0", "1.5", "\"\""])
    }

    fn message(&mut self, mut members: Vec<String>) -> String {
        members.push("\"jsonrpc\":\"2.0\"".to_owned());
        self.shuffled(members)
    }

    /// An object of `members` in any order, so that each may be the first or the last.
    pub(crate) fn shuffled(&mut self, mut members: Vec<String>) -> String {
        let mut text = format!("{{{}", self.blank());
        while !members.is_empty() {
            let next = members.swap_remove(self.below(members.len()));
            text += &next;
            text += self.blank();
            text += if members.is_empty() { "" } else { "," };
        }
        text + "}"
    }

    /// A request or a notification.
    pub(crate) fn request(&mut self) -> String {
        let mut members = vec![format!("\"method\":{}\"{}\"", self.blank(), self.one_of(&METHODS))];
        if self.chance(90) {
            members.push(format!("\"id\":{}{}", self.blank(), self.id()));
        }
        match self.below(10) {
            0 => {}
            1 => members.push(format!("\"params\":{}", self.value(3))),
            _ => members.push(format!("\"params\":{}{}", self.blank(), self.object(3))),
        }
        self.message(members)
    }

    /// An object with the member `name` among others, or without.
    pub(crate) fn around(&mut self, name: &str, value: &str) -> String {
        let mut members: Vec<_> = (0..self.below(3))
            .map(|_| format!("{}:{}{}", self.name(), self.blank(), self.value(1)))
            .collect();
        if self.chance(95) {
            members.push(format!("\"{name}\":{}{value}", self.blank()));
        }
        self.shuffled(members)
    }

    /// A name as some JSON library takes for `name`, or itself.
    fn respelt(&mut self, name: &str) -> String {
        let mut text = String::new();
        for c in name.chars() {
            match (self.below(12), c) {
                (0, _) => text.extend(c.to_uppercase()),
                (1, 's') => text += self.one_of(&["\u{17f}", "\\u017f"]),
                (1, 'k') => text += self.one_of(&["\u{212a}", "\\u212A"]),
                (2, _) if self.chance(30) => text.push_str(&escaped(c)),
                _ => text.push(c),
            }
        }
        if self.chance(10) {
            text += self.one_of(&["\\u0000", "\\u0000x", " "]);
        }
        format!("\"{text}\"")
    }

    /// A call of a tool in which names are spelt in ways that libraries read differently, and repeat.
    pub(crate) fn misspelt(&mut self) -> String {
        let mut params = Vec::new();
        for _ in 0..=self.below(2) {
            let name = self.one_of(&["name", "name", "task", "arguments", "x"]);
            let name = if self.chance(60) { format!("\"{name}\"") } else { self.respelt(name) };
            params
                .push(format!("{name}:{}", self.one_of(&["\"a\"", "\"b\"", "\"a\\u0000\"", "{}"])));
        }
        let params = format!("{{{}}}", params.join(","));
        let mut members = vec![format!("\"method\":\"{}\"", self.one_of(&["tools/call", "ping"]))];
        members.push(format!("\"params\":{params}"));
        members.push("\"id\":1".to_owned());
        if self.chance(40) {
            let (name, value) = match self.below(4) {
                0 => ("method", "\"tools/call\""),
                1 => ("params", "{\"name\":\"b\"}"),
                2 => ("id", "2"),
                _ => ("result", "{}"),
            };
            members.push(format!("{}:{value}", self.respelt(name)));
        }
        self.message(members)
    }

    /// A response.
    pub(crate) fn response(&mut self) -> String {
        let kind = if self.chance(80) { "result" } else { "error" };
        let body = if self.chance(90) { self.object(4) } else { self.value(3) };
        let members =
            vec![format!("\"id\":{}", self.id()), format!("\"{kind}\":{}{body}", self.blank())];
        self.message(members)
    }

    /// `text` with some of its bytes changed, taken out, or doubled; UTF-8 as before.
    pub(crate) fn broken(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len().max(1));
            match self.below(3) {
                0 if at < bytes.len() => drop(bytes.remove(at)),
                1 if at < bytes.len() => {
                    let sign =
                        self.one_of(&["{", "}", "[", "]", "\"", ",", ":", "\\", " ", "0", "n"]);
                    bytes[at] = sign.as_bytes()[0];
                }
                _ => bytes.truncate(at.max(1)),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The character as an escape of JSON.
fn escaped(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}
