//! The hosts in a rule of a Traefik router: ``Host(`a.example`) && PathPrefix(`/x`)``.

use std::{iter::Peekable, str::Chars};

/// The hosts that `rule` names; `None` if it cannot be read. What is denied, by `!`, is not named, and
/// neither is what `HostRegexp` stands for.
pub(super) fn hosts(rule: &str) -> Option<Vec<String>> {
    let mut hosts = Vec::new();
    let mut rest = rule.chars().peekable();
    // Whether what comes is denied: next, and in each group that is open.
    let (mut denied, mut groups) = (false, Vec::new());
    while let Some(&next) = rest.peek() {
        if next.is_ascii_alphabetic() {
            let (name, arguments) = matcher(&mut rest)?;
            let named = !denied && !groups.contains(&true);
            if named && name.eq_ignore_ascii_case("Host") {
                hosts.extend(arguments.into_iter().map(|host| host.to_ascii_lowercase()));
            }
            denied = false;
            continue;
        }
        rest.next();
        match next {
            '!' => denied = !denied,
            '(' => groups.push(std::mem::take(&mut denied)),
            ')' => drop(groups.pop()?),
            '&' | '|' => {}
            blank if blank.is_ascii_whitespace() => {}
            _ => return None,
        }
    }
    groups.is_empty().then_some(hosts)
}

/// A name and its arguments in parentheses.
fn matcher(rest: &mut Peekable<Chars<'_>>) -> Option<(String, Vec<String>)> {
    let mut name = String::new();
    while let Some(letter) = rest.next_if(char::is_ascii_alphanumeric) {
        name.push(letter);
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
fn text(rest: &mut Peekable<Chars<'_>>, quote: char) -> Option<String> {
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
mod tests {
    use super::*;

    #[test]
    fn hosts_are_what_a_rule_asks_for() {
        for (rule, expected) in [
            ("Host(`time.example`)", vec!["time.example"]),
            ("Host(`Time.Example`) && PathPrefix(`/mcp`)", vec!["time.example"]),
            (
                "(Host(\"a.example\") || Host(`b.example`)) && !Path(`/x`)",
                vec!["a.example", "b.example"],
            ),
            ("Host(`a.example`, `b.example`)", vec!["a.example", "b.example"]),
            ("Host(`a.example`) && !Host(`b.example`)", vec!["a.example"]),
            ("!(Host(`b.example`) || Host(`c.example`)) && Host(`a.example`)", vec!["a.example"]),
            ("PathRegexp(`^/(a|b)(/|$)`) && Host(`a.example`)", vec!["a.example"]),
            ("HostRegexp(`^.+\\.example$`)", vec![]),
            ("Header(`Host`, `b.example`) && Host(`a.example`)", vec!["a.example"]),
            ("PathPrefix(`/Host(x)`)", vec![]),
        ] {
            assert_eq!(
                hosts(rule).as_deref(),
                Some(&expected.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>()[..]),
                "{rule}"
            );
        }
    }

    #[test]
    fn what_is_no_rule_names_no_host() {
        for rule in [
            "Host(`a`",
            "Host(`a)",
            "Host(a)",
            "Host `a`)",
            "(Host(`a`)",
            "Host(`a`))",
            "Host",
            "; Host(`a`)",
            "Host(\"a\\\"\")",
        ] {
            assert_eq!(hosts(rule), None, "{rule}");
        }
    }
}
