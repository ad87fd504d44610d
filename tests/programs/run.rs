//! Runs of a program: until it ends, or in a terminal until it shows something.

use std::{
    io::{Read, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// Runs `command` to its end. Returns all that it wrote.
pub(crate) fn run(command: &mut Command) -> String {
    let mut running = Running::start(command.stdin(Stdio::null()));
    running.until(|_| false);
    running.text()
}

/// Runs `command` in a terminal until `done` of what is on it, or until it ends. Each of `lines` is typed when its
/// mark is on the terminal. Returns all that was on the terminal.
pub(crate) fn in_terminal(
    command: &Command,
    lines: &[(&str, &str)],
    done: impl Fn(&str) -> bool,
) -> String {
    let mut terminal = Command::new("script");
    terminal.arg("--quiet").arg("--return").arg("--command").arg(words(command)).arg("/dev/null");
    terminal.env_clear();
    for (name, value) in command.get_envs() {
        terminal.env(name, value.unwrap_or_default());
    }
    if let Some(directory) = command.get_current_dir() {
        terminal.current_dir(directory);
    }
    let mut running = Running::start(terminal.stdin(Stdio::piped()));
    let mut from = 0;
    for (mark, line) in lines {
        running.until(|text| text.get(from..).is_some_and(|new| new.contains(mark)));
        from = running.text().len();
        // A program may show its prompt before it reads.
        thread::sleep(Duration::from_millis(1500));
        running.enter(line);
    }
    running.until(done);
    // Output that belongs to it may follow.
    thread::sleep(Duration::from_millis(500));
    running.text()
}

/// The command for a shell, in which every terminal has 200 columns.
fn words(command: &Command) -> String {
    let quoted =
        |word: &std::ffi::OsStr| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"));
    let words = [quoted(command.get_program())].into_iter().chain(command.get_args().map(quoted));
    format!("stty cols 200 rows 50; exec {}", words.collect::<Vec<_>>().join(" "))
}

/// A process, and what it has written.
pub(crate) struct Running {
    process: Child,
    text: Arc<Mutex<Vec<u8>>>,
}

impl Running {
    /// Starts `command` in a group of its own.
    pub(crate) fn start(command: &mut Command) -> Self {
        let spawned =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn();
        let mut process = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let text = Arc::default();
        collect(process.stdout.take().expect("a pipe"), &text);
        collect(process.stderr.take().expect("a pipe"), &text);
        Self { process, text }
    }

    /// All that it has written, without control sequences.
    pub(crate) fn text(&self) -> String {
        plain(&String::from_utf8_lossy(&self.text.lock().expect("text")))
    }

    /// Types a line.
    pub(crate) fn enter(&mut self, line: &str) {
        let input = self.process.stdin.as_mut().expect("a pipe");
        // The end of a line comes by itself: some programs take text with one for something pasted.
        input.write_all(line.as_bytes()).and_then(|()| input.flush()).expect("it reads");
        thread::sleep(Duration::from_millis(500));
        input.write_all(if line.starts_with('{') { b"\n" } else { b"\r" }).expect("it reads");
    }

    /// Waits until `done` of its text, or until it ends, or until patience does.
    pub(crate) fn until(&mut self, done: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && !done(&self.text()) {
            if self.process.try_wait().expect("its status").is_some() {
                // What is still in the pipes.
                thread::sleep(Duration::from_millis(200));
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its whole group: programs have helpers.
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).stderr(Stdio::null()).status();
        thread::sleep(Duration::from_millis(300));
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn collect(mut from: impl Read + Send + 'static, text: &Arc<Mutex<Vec<u8>>>) {
    let text = Arc::clone(text);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            text.lock().expect("text").extend_from_slice(&buffer[..count]);
        }
    });
}

/// Removes the control sequences of terminals (ECMA-48 §5.4, and OSC).
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        if next != '\u{1b}' {
            if next == '\n' || !next.is_control() {
                out.push(next);
            }
            continue;
        }
        match rest.next() {
            Some('[') => while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
            Some(']') => while rest.next().is_some_and(|c| c != '\u{7}' && c != '\u{1b}') {},
            _ => {}
        }
    }
    out
}
