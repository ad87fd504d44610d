//! The way of a person with one program: login, call, refresh, revocation, login.

use std::{
    thread,
    time::{Duration, Instant},
};

use gateway_tests::stack::Stack;

use crate::{
    desk::Desk,
    observed::{Mark, Observed},
    program::Program,
};

/// The lifetime of access tokens, in seconds.
pub(crate) const LIFETIME: u64 = 30;

/// A word of the answer of the tool.
const ANSWER: &str = "is_dst";

/// Parts the first call from the second.
const SECOND: &str = "--- second call";

/// A row of the table.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    pub(crate) ca: &'static str,
    pub(crate) discovery: String,
    pub(crate) registration: String,
    pub(crate) login: String,
    pub(crate) call: String,
    pub(crate) refresh: String,
    pub(crate) revoked: String,
    pub(crate) again: String,
}

/// A step: what the program showed, and what the gateway saw.
struct Step {
    shown: String,
    observed: Observed,
    pages: Vec<String>,
}

impl Step {
    /// Takes a step, and waits until the gateway has written down what it saw.
    fn take(stack: &Stack, desk: &Desk, step: impl FnOnce() -> String) -> Self {
        let (mark, before) = (Mark::now(stack), desk.pages().len());
        let shown = step();
        thread::sleep(Duration::from_millis(500));
        let pages = desk.pages().split_off(before);
        let title =
            |page: &serde_json::Value| page["title"].as_str().unwrap_or("failed").to_owned();
        let pages: Vec<String> = pages.iter().map(title).collect();
        Self { shown, observed: Observed::since(stack, &mark), pages }
    }

    fn worked(&self) -> bool {
        self.shown.contains(ANSWER) && self.observed.answered() > 0
    }

    /// Tells what a call did.
    fn call(&self) -> String {
        if self.worked() { "yes".to_owned() } else { format!("no: {}", excerpt(&self.shown)) }
    }

    /// Tells how a login went.
    fn login(&self) -> String {
        match (self.observed.logins(), &self.pages[..]) {
            (1.., [consent, ..]) => format!("yes, “{consent}”"),
            _ => format!("no: {}", excerpt(&self.shown)),
        }
    }
}

/// Goes the way with `program`, and fills its row as far as it gets.
pub(crate) fn go(stack: &Stack, program: &dyn Program, desk: &Desk, row: &mut Row) {
    let mut refusal = None;
    let direct = Step::take(stack, desk, || {
        refusal = program.refusal(desk);
        String::new()
    });
    assert_eq!(direct.observed.logins(), 0, "what is refused does not log in");
    program.set_up(desk);
    let login = Step::take(stack, desk, || program.log_in(desk));
    row.discovery = login.observed.discovery();
    row.registration = login.observed.registration();
    row.login = login.login();
    assert!(row.login.starts_with("yes"), "{}", end(&login.shown));
    if let Some(told) = refusal {
        row.login.push_str(&format!("; without mcp-remote no: “{told}”"));
    }

    let call = Step::take(stack, desk, || attempt(program, desk));
    row.call = call.call();
    assert!(call.worked(), "{}", end(&call.shown));

    row.refresh = refresh(stack, program, desk);
    assert!(row.refresh.starts_with("yes"), "{}", row.refresh);

    let output = stack.quickstart(&["admin", "token", "revoke", "--yes", "--user", "octocat"]);
    assert!(output.status.success(), "{output:?}");
    let revoked = Step::take(stack, desk, || program.call(desk));
    let refused = revoked.observed.was_challenged();
    let status = program.status(desk).map(|text| excerpt(&text));
    row.revoked = match (refused, revoked.worked(), revoked.observed.logins()) {
        (true, true, 1..) => "refused; the login page opens by itself".to_owned(),
        (true, false, 0) => {
            let status = status.map(|text| format!("; status: {text}")).unwrap_or_default();
            format!("refused; {}{status}", excerpt(&revoked.shown))
        }
        other => panic!("{other:?}: {}", end(&revoked.shown)),
    };
    if revoked.worked() {
        row.again = revoked.login();
        return;
    }
    let login = Step::take(stack, desk, || program.log_in(desk));
    row.again = login.login();
    assert!(row.again.starts_with("yes"), "{}", end(&login.shown));
    let call = Step::take(stack, desk, || attempt(program, desk));
    assert!(call.worked(), "{}", end(&call.shown));
}

/// Calls the tool, again if the program asked its model before it had the tool: on a busy machine the first call
/// comes too early for programs that connect in the background.
fn attempt(program: &dyn Program, desk: &Desk) -> String {
    let shown = program.call(desk);
    if shown.contains(ANSWER) {
        return shown;
    }
    format!("{shown}\n{SECOND}\n{}", program.call(desk))
}

/// Calls when the access token has expired.
fn refresh(stack: &Stack, program: &dyn Program, desk: &Desk) -> String {
    let until = Instant::now() + Duration::from_secs(LIFETIME + 1);
    thread::sleep(until - Instant::now());
    let call = Step::take(stack, desk, || attempt(program, desk));
    match (call.worked(), call.observed.logins(), call.observed.refresh()) {
        (true, 0, Some(how)) => format!("yes, {how}"),
        (true, 1.., _) => "no: the login page opens".to_owned(),
        _ => format!("no: {}", excerpt(&call.shown)),
    }
}

/// The end of what was shown, for a failure.
fn end(text: &str) -> String {
    let lines: Vec<&str> =
        text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

/// The line that a person would look at: the first about access, else the last one.
fn excerpt(text: &str) -> String {
    const WORDS: [&str; 8] =
        ["auth", "401", "log in", "login", "revoked", "no such tool", "private", "invalid"];
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let about = |line: &&str| WORDS.iter().any(|word| line.to_lowercase().contains(word));
    let line = lines.clone().find(about).or_else(|| lines.clone().next_back()).unwrap_or("nothing");
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(160).collect();
    short.replace('|', "\\|")
}
