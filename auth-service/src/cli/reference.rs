//! Writes `docs/CLI.md` from the tree of commands, and the sections of `docs/PROXY-CLI.md`.

use std::fmt::Write;

use clap::{Arg, ArgAction, Command, CommandFactory, builder::PossibleValue};

use super::{Cli, exit::CODES};

const INTRODUCTION: &str = "\
# The command line of auth-service

Generated from the program: `cargo run -q -p auth-service -- reference > docs/CLI.md`. A test compares them.

Commands that manage something work on the same Redis as the service, and take effect immediately. With the quickstart,
`scripts/quickstart admin` stands for `auth-service`; with compose, `docker compose exec auth-service /auth-service`.

- Lists are printed page by page, whatever their length. `--json` prints one document, `--json=lines` one entry per line. With
  `--limit`, the cursor of the next entry is printed at the end.
- Times are RFC 3339 (`2026-11-30T12:00:00Z`, `2026-11-30`), durations before now (`30d`, `12h`, `30m`), or seconds since 1970.
- Commands that end or delete something show what they hit and ask. Without a terminal they need `--yes`; `--dry-run` only
  shows.
- Results go to standard output, questions and errors to standard error. A closed pipe ends a command silently.
";

/// Returns the page.
#[must_use]
pub fn page() -> String {
    let mut page = format!("{INTRODUCTION}\n| exit code | meaning |\n|---|---|\n");
    for (code, meaning) in CODES {
        add(&mut page, format_args!("| {code} | {meaning} |\n"));
    }
    let mut root = Cli::command();
    root.build();
    let mut commands = Vec::new();
    collect(&root, &mut commands);
    for command in commands {
        section(&mut page, command);
    }
    page
}

/// Returns the sections of another program: of `root` itself, and of its commands.
#[must_use]
pub fn program(mut root: Command) -> String {
    root.build();
    let mut page = String::new();
    section(&mut page, &root);
    let mut commands = Vec::new();
    collect(&root, &mut commands);
    for command in commands {
        section(&mut page, command);
    }
    page
}

/// Collects the commands that do something, in the order of the help.
fn collect<'a>(command: &'a Command, all: &mut Vec<&'a Command>) {
    for inner in command.get_subcommands() {
        if inner.is_hide_set() || inner.get_name() == "help" {
            continue;
        }
        if inner.has_subcommands() { collect(inner, all) } else { all.push(inner) }
    }
}

fn section(page: &mut String, command: &Command) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    add(page, format_args!("\n## {name}\n\n{}\n", wrapped(&sentence(&about))));
    let aliases: Vec<&str> = command.get_visible_aliases().collect();
    if !aliases.is_empty() {
        add(page, format_args!("\nAlso: `{}`\n", aliases.join("`, `")));
    }
    // Arguments of the root that its commands inherit are shown once.
    let is_inner = name.contains(' ');
    let is_own = |one: &&Arg| is_shown(one) && !(is_inner && one.is_global_set());
    let mut arguments = command.get_arguments().filter(is_own).peekable();
    if arguments.peek().is_none() {
        return;
    }
    page.push_str("\n| argument | meaning |\n|---|---|\n");
    for argument in arguments {
        let help = argument.get_long_help().or_else(|| argument.get_help());
        let help = help.map(ToString::to_string).unwrap_or_default().replace('\n', " ");
        let mut help = sentence(&help);
        let values = argument.get_possible_values();
        let names: Vec<&str> = values
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(PossibleValue::get_name)
            .collect();
        if !names.is_empty() && argument.get_action().takes_values() {
            add(&mut help, format_args!(" One of `{}`.", names.join("`, `")));
        }
        let defaults = argument.get_default_values();
        let defaults: Vec<_> = defaults.iter().map(|value| value.to_string_lossy()).collect();
        let is_given = defaults.iter().any(|value| !value.is_empty());
        if is_given && argument.get_action().takes_values() {
            add(&mut help, format_args!(" Default: `{}`.", defaults.join(" ")));
        }
        if let Some(variable) = argument.get_env() {
            add(&mut help, format_args!(" Variable: `{}`.", variable.to_string_lossy()));
        }
        add(page, format_args!("| `{}` | {} |\n", syntax(argument), escaped(&help)));
    }
}

fn is_shown(argument: &Arg) -> bool {
    let is_help = matches!(
        argument.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    );
    !is_help && !argument.is_hide_set()
}

/// Returns the argument as it is written.
fn syntax(argument: &Arg) -> String {
    let value = || {
        let names = argument.get_value_names().unwrap_or_default();
        names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let flag = match (argument.get_long(), argument.get_short()) {
        (Some(long), Some(short)) => format!("--{long}, -{short}"),
        (Some(long), None) => format!("--{long}"),
        (None, Some(short)) => format!("-{short}"),
        (None, None) => {
            let many = argument.get_num_args().is_some_and(|count| count.max_values() > 1);
            return format!("{}{}", value(), if many { "..." } else { "" });
        }
    };
    match argument.get_num_args() {
        Some(count) if count.takes_values() && count.min_values() == 0 => {
            format!("{flag}[={}]", value())
        }
        Some(count) if count.takes_values() => format!("{flag} {}", value()),
        _ => flag,
    }
}

/// Returns `text` for a cell of a table. Outside of code, `*` would begin an emphasis.
fn escaped(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(at, part)| {
        let part = part.replace('|', "\\|");
        if at % 2 == 0 { part.replace('*', "\\*") } else { part }
    });
    parts.collect::<Vec<_>>().join("`")
}

/// Returns `text` with a full stop, which clap removes.
fn sentence(text: &str) -> String {
    let is_whole = text.is_empty() || text.ends_with(['.', '!', '?', ':']);
    if is_whole { text.to_owned() } else { format!("{text}.") }
}

/// Breaks `text` into lines of at most 120 characters.
fn wrapped(text: &str) -> String {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        if !line.is_empty() && line.len() + 1 + word.len() > 120 {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

fn add(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _written = page.write_fmt(text);
}
