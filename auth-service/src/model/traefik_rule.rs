//! The rule of a Traefik router, such as ``Host(`a.example`) && PathPrefix(`/x`)``.

use std::{iter::Peekable, str::Chars};

use super::canonical_host;

/// The maximum nesting depth of a rule. Deeper rules are rejected.
const DEEPEST: usize = 32;

/// A parsed rule of a Traefik router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraefikRule(Expression);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expression {
    Any(Vec<Self>),
    All(Vec<Self>),
    Not(Box<Self>),
    Matcher(String, Vec<String>),
}

/// The result of matching a rule against a request that is only partly known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    No,
    Maybe,
    Yes,
}

impl TraefikRule {
    /// Parses a rule. Returns `None` if it is malformed or nested too deeply.
    #[must_use]
    pub fn parse(rule: &str) -> Option<Self> {
        let mut rest = rule.chars().peekable();
        let expression = any(&mut rest, 0)?;
        blanks(&mut rest);
        rest.next().is_none().then_some(Self(expression))
    }

    /// Returns the hosts that the rule names. Hosts in parts negated by `!` and matches of `HostRegexp` are
    /// not included.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let mut hosts = Vec::new();
        self.0.hosts(&mut hosts);
        hosts
    }

    /// Returns `true` if the rule can match a request to `host` and `path`. If `path` is `None`, any path
    /// may match.
    #[must_use]
    pub fn can_match(&self, host: &str, path: Option<&str>) -> bool {
        self.0.matches(host, path) != Match::No
    }
}

impl Expression {
    fn hosts(&self, hosts: &mut Vec<String>) {
        match self {
            Self::Any(parts) | Self::All(parts) => {
                for part in parts {
                    part.hosts(hosts);
                }
            }
            Self::Matcher(name, arguments) if name == "host" => {
                hosts.extend(arguments.iter().map(|host| canonical(host)));
            }
            Self::Not(_) | Self::Matcher(..) => {}
        }
    }

    fn matches(&self, host: &str, path: Option<&str>) -> Match {
        let each = |part: &Self| part.matches(host, path);
        match self {
            Self::Any(parts) => parts.iter().map(each).max().unwrap_or(Match::No),
            Self::All(parts) => parts.iter().map(each).min().unwrap_or(Match::Yes),
            Self::Not(part) => match part.matches(host, path) {
                Match::No => Match::Yes,
                Match::Maybe => Match::Maybe,
                Match::Yes => Match::No,
            },
            Self::Matcher(name, arguments) => {
                let any = |found: &dyn Fn(&str) -> Match| {
                    arguments.iter().map(|argument| found(argument)).max().unwrap_or(Match::Maybe)
                };
                match (name.as_str(), path) {
                    ("host" | "hostheader" | "hostsni", _) => {
                        any(&|it| known(it == "*" || canonical(it) == canonical(host)))
                    }
                    ("hostregexp" | "hostsniregexp", _) => any(&|it| pattern_matches(it, host)),
                    ("path", Some(path)) => any(&|it| known(it == path)),
                    ("pathprefix", Some(path)) => any(&|it| known(path.starts_with(it))),
                    _ => Match::Maybe,
                }
            }
        }
    }
}

/// Returns the canonical form of a host, or `host` in lower case if it is not a valid one.
fn canonical(host: &str) -> String {
    canonical_host(host).unwrap_or_else(|| host.to_ascii_lowercase())
}

fn known(is: bool) -> Match {
    if is { Match::Yes } else { Match::No }
}

/// Returns `Match::No` if the regular expression ends with a literal suffix that `host` lacks, and
/// `Match::Maybe` otherwise.
fn pattern_matches(pattern: &str, host: &str) -> Match {
    let Some(pattern) = pattern.strip_suffix('$') else { return Match::Maybe };
    let pattern = pattern.replace("\\.", ".").to_ascii_lowercase();
    let literal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let end = pattern.rsplit(|c| !literal(c)).next().unwrap_or("");
    // The suffix is not reliable if a backslash remains, since it makes a letter a class, or if there
    // are alternatives.
    if pattern.contains('\\') || pattern.contains('|') || host.ends_with(end) {
        Match::Maybe
    } else {
        Match::No
    }
}

type Rest<'a> = Peekable<Chars<'a>>;

fn any(rest: &mut Rest<'_>, depth: usize) -> Option<Expression> {
    let mut parts = vec![all(rest, depth)?];
    while operator(rest, '|')? {
        parts.push(all(rest, depth)?);
    }
    Some(Expression::Any(parts))
}

fn all(rest: &mut Rest<'_>, depth: usize) -> Option<Expression> {
    let mut parts = vec![term(rest, depth)?];
    while operator(rest, '&')? {
        parts.push(term(rest, depth)?);
    }
    Some(Expression::All(parts))
}

fn term(rest: &mut Rest<'_>, depth: usize) -> Option<Expression> {
    if depth > DEEPEST {
        return None;
    }
    blanks(rest);
    match rest.peek()? {
        '!' => {
            rest.next();
            Some(Expression::Not(Box::new(term(rest, depth + 1)?)))
        }
        '(' => {
            rest.next();
            let inner = any(rest, depth + 1)?;
            blanks(rest);
            rest.next_if_eq(&')')?;
            Some(inner)
        }
        _ => matcher(rest).map(|(name, arguments)| Expression::Matcher(name, arguments)),
    }
}

/// Consumes `&&` or `||` if it comes next. Returns `Some(true)` if it did, `Some(false)` if another text
/// comes next, and `None` for a single `&` or `|`.
fn operator(rest: &mut Rest<'_>, sign: char) -> Option<bool> {
    blanks(rest);
    if rest.next_if_eq(&sign).is_none() {
        return Some(false);
    }
    rest.next_if_eq(&sign).map(|_| true)
}

fn blanks(rest: &mut Rest<'_>) {
    while rest.next_if(char::is_ascii_whitespace).is_some() {}
}

/// Parses a matcher: a name with its quoted arguments in parentheses.
fn matcher(rest: &mut Rest<'_>) -> Option<(String, Vec<String>)> {
    let mut name = String::new();
    while let Some(letter) = rest.next_if(char::is_ascii_alphanumeric) {
        name.push(letter.to_ascii_lowercase());
    }
    let mut arguments = Vec::new();
    let mut open = false;
    loop {
        match rest.next()? {
            '(' if !open => open = true,
            ')' if open => return Some((name, arguments)),
            quote @ ('`' | '"') if open => arguments.push(text(rest, quote)?),
            ',' if open => {}
            blank if blank.is_ascii_whitespace() => {}
            _ => return None,
        }
    }
}

/// Parses the rest of a quoted text and consumes the closing `quote`.
fn text(rest: &mut Rest<'_>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match rest.next()? {
            end if end == quote => return Some(text),
            // Go interprets escapes in double quotes. No host or path needs them, so they are rejected.
            '\\' if quote == '"' => return None,
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests;
