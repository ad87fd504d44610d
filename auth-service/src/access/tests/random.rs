//! Properties of random policies.
//!
//! `POLICY_CASES` is the number of policies, `POLICY_SEED` the first seed. With `POLICY_CORPUS`, a line of JSON for
//! each policy with questions and decisions is written to that file, for comparison with another evaluator.

use std::{
    fs::File,
    io::{BufWriter, Write},
    sync::Arc,
};

use serde_json::{Value, json};

use super::{
    explain, facts, read,
    sketch::{Random, person, policy, rule, target, time},
};
use crate::{
    access::{Document, Fact, Facts, Policy, Question, parts},
    model::{Scopes, UnixTime},
};

/// A question with its decision.
struct Asked {
    person: Value,
    facts: Facts,
    target: String,
    now: UnixTime,
    allowed: bool,
}

/// Counts of what happened, so that a property that never applies is noticed.
#[derive(Debug, Default)]
struct Counts {
    asked: usize,
    allowed: usize,
    narrowed_by_deny: usize,
    narrowed_by_doubt: usize,
    changed_in_time: usize,
}

fn setting(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.into_string().unwrap())
}

#[test]
fn no_random_policy_breaks_the_rules_of_evaluation() {
    let number = |name, default| setting(name).map_or(default, |text| text.parse().unwrap());
    let (first, cases) = (number("POLICY_SEED", 0), number("POLICY_CASES", 10_000));
    let mut corpus =
        setting("POLICY_CORPUS").map(|path| BufWriter::new(File::create(path).unwrap()));
    let mut counts = Counts::default();
    for seed in first..first + cases {
        let random = &mut Random::new(seed);
        let text = policy(random);
        let document = read(&text);
        let added = deny_rule(random);
        let questions: Vec<Asked> = (0..5).map(|_| ask(random, &document)).collect();
        for asked in &questions {
            counts.asked += 1;
            counts.allowed += usize::from(asked.allowed);
            let fault = compiled(&document.policy, asked, random, &mut counts)
                .and_then(|()| denied(&document.policy, asked, &added, random, &mut counts))
                .and_then(|()| forgotten(&document.policy, asked, random, &mut counts))
                .and_then(|()| shuffled(&document.policy, asked, random));
            if let Err(what) = fault {
                panic!(
                    "seed {seed}: {what}\n{} {} {:?}\n{text}",
                    asked.person, asked.target, asked.now
                );
            }
        }
        if let Some(file) = &mut corpus {
            let questions: Vec<Value> = questions.iter().map(as_json).collect();
            writeln!(file, "{}", json!({ "policy": text, "questions": questions })).unwrap();
        }
    }
    let enough = |count: usize| count * 400 > counts.asked;
    assert!(enough(counts.allowed) && enough(counts.asked - counts.allowed), "{counts:?}");
    assert!(enough(counts.narrowed_by_deny) && enough(counts.narrowed_by_doubt), "{counts:?}");
    assert!(enough(counts.changed_in_time), "{counts:?}");
}

fn as_json(asked: &Asked) -> Value {
    json!({
        "as": asked.person,
        "target": asked.target,
        "at": asked.now.0,
        "allowed": asked.allowed,
    })
}

fn ask(random: &mut Random, document: &Document) -> Asked {
    let (person, target, now) = (person(random), target(random), time(random));
    let facts = facts(&person.to_string());
    let allowed = explain(document, &facts, &target, now).allowed;
    Asked { person, facts, target, now, allowed }
}

fn decide(policy: &Policy, facts: &Facts, asked: &Asked, now: UnixTime) -> (bool, Option<Scopes>) {
    let (server, tool) = parts(&asked.target);
    let explanation = policy.explain(Question { facts, server, tool, now });
    (explanation.allowed, explanation.scopes)
}

/// Checks that the compiled verdict agrees with the whole evaluation for as long as it is valid.
fn compiled(
    policy: &Policy,
    asked: &Asked,
    random: &mut Random,
    counts: &mut Counts,
) -> Result<(), String> {
    let (server, tool) = parts(&asked.target);
    let whole = policy.compile(&asked.facts, asked.now);
    let verdict = whole.server(server);
    let allowed = tool.map_or(verdict.allowed, |tool| verdict.admits_tool(tool));
    let scopes = verdict.scopes.clone().filter(|_| tool.is_none() && allowed);
    let last = verdict.valid_until.map(|until| UnixTime(until.0 - 1));
    for now in [Some(asked.now), Some(time(random)), last].into_iter().flatten() {
        if now < asked.now || !verdict.is_valid(now) {
            continue;
        }
        let found = decide(policy, &asked.facts, asked, now);
        if found != (allowed, scopes.clone()) {
            return Err(format!("the verdict {verdict:?} differs from {found:?} at {now:?}"));
        }
    }
    if verdict.valid_until.is_some_and(|until| whole.valid_until().is_none_or(|all| until < all)) {
        return Err("the verdict of a server ends before that of all".to_owned());
    }
    let later = verdict.valid_until.map(|until| decide(policy, &asked.facts, asked, until).0);
    counts.changed_in_time += usize::from(later.is_some_and(|later| later != allowed));
    Ok(())
}

/// Returns a random deny rule as TOML, and the policy of that rule alone.
fn deny_rule(random: &mut Random) -> (String, Policy) {
    let body = rule(random);
    let kept =
        body.lines().filter(|line| !["effect", "scopes"].iter().any(|key| line.starts_with(key)));
    let body = kept.collect::<Vec<_>>().join("\n") + "\neffect = \"deny\"\n";
    let policy = read(&format!("[roles]\na = []\nb = []\nc = []\nd = []\n{body}")).policy;
    (body, policy)
}

/// Checks that a deny rule, or an entry of `login.deny`, never allows more.
fn denied(
    policy: &Policy,
    asked: &Asked,
    (body, added): &(String, Policy),
    random: &mut Random,
    counts: &mut Counts,
) -> Result<(), String> {
    let mut narrower = policy.clone();
    if random.chance(20) {
        narrower.login_deny.extend(added.rules[0].who.clone());
    } else {
        narrower.rules.extend(added.rules.clone());
    }
    let now = decide(&narrower, &asked.facts, asked, asked.now).0;
    counts.narrowed_by_deny += usize::from(asked.allowed && !now);
    if now && !asked.allowed { Err(format!("this widens:\n{body}")) } else { Ok(()) }
}

/// Checks that knowing less about the person never allows more.
fn forgotten(
    policy: &Policy,
    asked: &Asked,
    random: &mut Random,
    counts: &mut Counts,
) -> Result<(), String> {
    let mut less = asked.facts.clone();
    let fact = Fact::ALL[random.below(Fact::ALL.len())];
    less.unknown.push(fact);
    if random.chance(60) {
        match fact {
            Fact::Id => less.id = None,
            Fact::Login => less.login = None,
            Fact::Orgs => less.orgs.truncate(1),
            Fact::Teams => less.teams.clear(),
            Fact::Groups => less.groups.clear(),
            Fact::VerifiedEmail => less.verified_email = None,
            Fact::Client => less.client = None,
        }
    }
    let (allowed, scopes) = decide(policy, &less, asked, asked.now);
    counts.narrowed_by_doubt += usize::from(asked.allowed && !allowed);
    let (_, before) = decide(policy, &asked.facts, asked, asked.now);
    let is_within = match (&before, &scopes) {
        (Some(before), Some(scopes)) => before.contains_all(scopes),
        (Some(_), None) => !allowed || asked.target.contains('/'),
        (None, _) => true,
    };
    if (allowed && !asked.allowed) || !is_within {
        return Err(format!("less knowledge of {fact:?} widens {before:?} to {scopes:?}"));
    }
    Ok(())
}

/// Checks that the order of rules and entries has no effect.
fn shuffled(policy: &Policy, asked: &Asked, random: &mut Random) -> Result<(), String> {
    let mut other = policy.clone();
    random.shuffle(&mut other.rules);
    random.shuffle(&mut other.login_allow);
    random.shuffle(&mut other.login_deny);
    other.roles.members.iter_mut().for_each(|members| random.shuffle(members));
    for rule in &mut other.rules {
        let rule = Arc::make_mut(rule);
        random.shuffle(&mut rule.who);
        random.shuffle(&mut rule.not);
        random.shuffle(&mut rule.servers);
        rule.clients.iter_mut().for_each(|clients| random.shuffle(clients));
    }
    let before = decide(policy, &asked.facts, asked, asked.now);
    let after = decide(&other, &asked.facts, asked, asked.now);
    if before == after { Ok(()) } else { Err(format!("order matters: {before:?}, {after:?}")) }
}
