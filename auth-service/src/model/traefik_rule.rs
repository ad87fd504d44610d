//! A rule of a Traefik router: ``Host(`a.example`) && PathPrefix(`/x`)``.

use std::{iter::Peekable, str::Chars};

use super::canonical_host;

/// The deepest nesting that is read.
const DEEPEST: usize = 32;

/// A rule, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraefikRule(Expression);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expression {
    Any(Vec<Self>),
    All(Vec<Self>),
    Not(Box<Self>),
    Matcher(String, Vec<String>),
}

/// Whether a rule matches a request of which not everything is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    No,
    Maybe,
    Yes,
}

impl TraefikRule {
    /// Reads a rule; `None` if it is none.
    #[must_use]
    pub fn parse(rule: &str) -> Option<Self> {
        let mut rest = rule.chars().peekable();
        let expression = any(&mut rest, 0)?;
        blanks(&mut rest);
        rest.next().is_none().then_some(Self(expression))
    }

    /// The hosts that the rule names. What is negated by `!` is not named, and neither is what
    /// `HostRegexp` stands for.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let mut hosts = Vec::new();
        self.0.hosts(&mut hosts);
        hosts
    }

    /// Returns `true` if the rule can match a request to `host`, at `path` or, without one, at some path.
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

/// The canonical form of a host, if the text is one.
fn canonical(host: &str) -> String {
    canonical_host(host).unwrap_or_else(|| host.to_ascii_lowercase())
}

fn known(is: bool) -> Match {
    if is { Match::Yes } else { Match::No }
}

/// Whether a regular expression can match `host`: not if it ends with other letters.
fn pattern_matches(pattern: &str, host: &str) -> Match {
    let Some(pattern) = pattern.strip_suffix('$') else { return Match::Maybe };
    let pattern = pattern.replace("\\.", ".").to_ascii_lowercase();
    let literal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let end = pattern.rsplit(|c| !literal(c)).next().unwrap_or("");
    // After a backslash a letter is a class; before it, what comes first may be optional.
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

/// Takes `&&` or `||`, if it comes next; `None` if half of it does.
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

/// A name and its arguments in parentheses.
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

/// What stands before the next `quote`, which is taken, too.
fn text(rest: &mut Rest<'_>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match rest.next()? {
            end if end == quote => return Some(text),
            // Go reads escapes between double quotes; no host has any.
            '\\' if quote == '"' => return None,
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests;
