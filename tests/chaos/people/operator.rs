//! The operator: commands of auth-service, and what revoked tokens still open after them.

use std::{collections::BTreeMap, process::Stdio, sync::Arc, time::Duration};

use gateway_tests::chaos::{
    history::{Act, Id, Outcome, Path, Target, Way},
    random::Random,
};
use serde_json::Value;
use tokio::process::Command;

use super::{Gateway, vault::Kept};
use crate::names::INSTANCES;

/// The longest time that a command may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The number of times that a command is tried when its answer is needed.
const ATTEMPTS: usize = 6;

/// The number of times that the list is asked for. It says that it is incomplete while a pass over all records runs.
const LISTS: usize = 60;

/// The pause between these.
const PAUSE: Duration = Duration::from_millis(500);

/// Revokes what people have, every few seconds, until the run is over.
pub async fn operate(gateway: Arc<Gateway>, seed: u64) {
    let mut random = Random::of(seed, "operator");
    while !gateway.is_over() {
        tokio::time::sleep(random.millis(1500..5000)).await;
        let kept = gateway.vault.all();
        if kept.is_empty() || gateway.is_over() {
            continue;
        }
        let Kept { person, client, .. } = kept[random.index(kept.len())].clone();
        let id = Id::of(&client);
        let (target, arguments) = match random.within(0..3) {
            0 => (Target::Person(person.clone()), vec!["--user", &person]),
            1 => (Target::Client(id), vec!["--client", &client]),
            _ => {
                let arguments = vec!["--user", &person, "--client", &client];
                (Target::PersonAtClient(person.clone(), id), arguments)
            }
        };
        if !revoke(&gateway, &target, &arguments).await {
            continue;
        }
        let is_revoked = |kept: &Kept| match &target {
            Target::Person(name) => kept.person == *name,
            Target::Client(_) => kept.client == client,
            _ => kept.client == client && kept.person == person,
        };
        let revoked: Vec<Kept> = kept.into_iter().filter(is_revoked).collect();
        for _ in 0..4 {
            use_all(&gateway, &revoked).await;
        }
    }
}

/// Uses access tokens at each instance and through Traefik.
pub(super) async fn use_all(gateway: &Gateway, tokens: &[Kept]) {
    for kept in tokens {
        for number in 0..INSTANCES {
            gateway.call(Path::Instance(number), &kept.access).await;
        }
        gateway.call(Path::Edge, &kept.access).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Revokes until it is acknowledged. Returns `false` if it never was.
async fn revoke(gateway: &Gateway, target: &Target, arguments: &[&str]) -> bool {
    for _ in 0..ATTEMPTS {
        let began = gateway.history.now();
        let outcome =
            run(gateway, &[&["token", "revoke", "--yes"], arguments].concat()).await.map(drop);
        let is_done = outcome.done().is_some();
        gateway.history.add(began, Act::Revoke(target.clone(), Way::Command, outcome));
        if is_done || gateway.is_over() {
            return is_done;
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

/// Returns a fresh login code for `person`.
pub(super) async fn login_code(gateway: &Gateway, person: &str) -> Option<String> {
    for _ in 0..ATTEMPTS {
        if let Outcome::Done(code) = run(gateway, &["user", "login-code", person]).await {
            return Some(code.trim().to_owned());
        }
        if gateway.is_over() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}

/// Records the operator's list of grants.
pub async fn list(gateway: &Gateway) -> Result<(), String> {
    let mut why = String::new();
    for _ in 0..LISTS {
        let began = gateway.history.now();
        match run(gateway, &["token", "list", "--json=lines"]).await {
            Outcome::Done(text) => match counts(&text) {
                Ok(counts) => {
                    gateway.history.add(began, Act::List(counts));
                    return Ok(());
                }
                Err(said) => why = said,
            },
            Outcome::Refused(said) | Outcome::Unknown(said) => why = said,
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Err(why)
}

/// Returns the number of grants of each client in a list of JSON lines. Fails if the list is incomplete.
fn counts(text: &str) -> Result<Vec<(Id, usize)>, String> {
    let mut counts: BTreeMap<Id, usize> = BTreeMap::new();
    for line in text.lines() {
        let grant: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let client = grant["client_id"].as_str().ok_or_else(|| format!("no grant: {line}"))?;
        *counts.entry(Id::of(client)).or_default() += 1;
    }
    Ok(counts.into_iter().collect())
}

/// Runs a command of auth-service.
async fn run(gateway: &Gateway, arguments: &[&str]) -> Outcome<String> {
    let mut command = Command::from(gateway.stack.operator.command());
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    match tokio::time::timeout(PATIENCE, command.output()).await {
        Err(_) => Outcome::Unknown("no end in time".into()),
        Ok(Err(error)) => Outcome::Unknown(error.to_string()),
        Ok(Ok(output)) if output.status.success() => {
            Outcome::Done(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().last().unwrap_or("no reason").to_owned();
            Outcome::Unknown(last)
        }
    }
}
