//! Command `policy explain`: evaluates the policy for one person, and prints the reasons.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use serde_json::json;

use super::outside;
use crate::{
    access::{Document, Explanation, Facts, Question, Step, check_target, facts_from_json, parts},
    admission::AccessPolicy,
    cli::say,
    config::{AccessFile, Config},
    model::{Clock, Person, SystemClock, in_words},
    store::Store,
};

/// The options of `policy explain`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Explain {
    /// The policy file.
    #[arg(long, env = "ACCESS_FILE", default_value = "access.toml")]
    file: PathBuf,
    /// The facts about the person as JSON, with the members of "as" in a test of the file.
    #[arg(long = "as", value_name = "JSON")]
    facts: Option<String>,
    /// Print the decision as JSON, for scripts.
    #[arg(long)]
    json: bool,
    /// The person, such as github:583231. With --as, "-" or the same person.
    person: String,
    /// The server, or SERVER/TOOL.
    #[arg(value_name = "SERVER[/TOOL]")]
    target: String,
}

/// Prints the decision of the policy and its reasons.
pub(super) async fn run(explain: &Explain) -> anyhow::Result<()> {
    let file = AccessFile::without_secrets(&explain.file, &outside());
    let document = file.map_err(|list| anyhow!(list.join("; ")))?.document;
    let Subject { facts, checked } = subject(explain, &document).await?;
    check_target(&explain.target).map_err(|what| anyhow!(what))?;
    let (server, tool) = parts(&explain.target);
    let question = Question { facts: &facts, server, tool, now: SystemClock.now() };
    let explanation = document.policy.explain(question);
    if explain.json {
        return say(&as_json(&explanation).to_string());
    }
    say(&format!("{facts}{checked}"))?;
    explanation.steps.iter().try_for_each(|step| say(&line(step, &explain.file)))?;
    if let Some(scopes) = &explanation.scopes {
        say(&format!("scopes that may be granted: {scopes}"))?;
    }
    let decision = if explanation.allowed { "ALLOWED" } else { "DENIED" };
    say(&format!("=> {decision}: {}", explanation.because()))
}

/// The person in question.
struct Subject {
    facts: Facts,
    /// The age of the facts, for people.
    checked: String,
}

/// Returns the facts of `--as`, or those that are known of the person.
async fn subject(explain: &Explain, document: &Document) -> anyhow::Result<Subject> {
    let person = match explain.person.as_str() {
        "-" => None,
        text => Some(
            text.split_once(':')
                .filter(|(provider, id)| !provider.is_empty() && !id.is_empty())
                .context("invalid PERSON; write PROVIDER:ID, or - with --as")?,
        ),
    };
    match (&explain.facts, person) {
        (Some(json), person) => {
            let facts = facts_from_json(json).map_err(|what| anyhow!("--as: {what}"))?;
            let is_same = person.is_none_or(|(provider, id)| {
                facts.provider == provider && facts.id.as_deref() == Some(id)
            });
            ensure!(is_same, "PERSON and --as differ; write - for PERSON");
            Ok(Subject { facts, checked: String::new() })
        }
        (None, Some((provider, id))) => {
            let seen = last_seen(&explain.person, document).await;
            Ok(seen.unwrap_or_else(|| Subject {
                facts: Facts::only_id(provider, id),
                checked: String::new(),
            }))
        }
        (None, None) => bail!("- needs --as, with the facts about the person"),
    }
}

/// Returns the facts of the last check of a person. Returns `None` if the settings or Redis are not there, or
/// nothing is recorded.
async fn last_seen(person: &str, document: &Document) -> Option<Subject> {
    let config = Config::load().ok()?;
    let (store, now) = (Store::open(&config.redis).ok()?, SystemClock.now());
    let record = store.people.facts(person, now).await.ok()??;
    let access = AccessPolicy::new(document.policy.clone(), &config);
    let named = Person { subject: person, name: record.login.as_deref().unwrap_or_default() };
    let known = access.known(named, None, Some(&record), (now, &config.facts));
    let age = in_words(record.checked_at.until(now));
    Some(Subject { facts: known.facts, checked: format!("   checked {age} ago") })
}

fn as_json(explanation: &Explanation<'_>) -> serde_json::Value {
    json!({
        "decision": if explanation.allowed { "allow" } else { "deny" },
        "rule": explanation.rule(),
        "because": explanation.because(),
    })
}

/// Returns a line about a list or a rule, with its position.
fn line(step: &Step<'_>, file: &Path) -> String {
    let place = step.place().map(|place| format!("  {}:{}", file.display(), place.line));
    let place = place.unwrap_or_default();
    format!("{:7}  {}: {}{place}", step.effect(), step.part, step.reason_in_words())
}
