//! The access file, read again whenever it changes. A file with a mistake, or whose expectations do not hold,
//! leaves the policy as it is.

use std::{path::PathBuf, sync::Arc, time::Duration};

use gateway_contract::servers::watch::Watch;
use tokio::sync::watch;

use super::policy::AccessPolicy;
use crate::{
    access::{self, ProviderTable},
    config::{AccessFile, AccessSource, Config},
    model::{Clock, SystemClock},
};

/// The time for which a changed file must stay the same, because it may be written in several steps.
const SETTLING: Duration = Duration::from_secs(1);

/// The access file of the settings.
pub struct PolicyFile {
    path: PathBuf,
    outside: Vec<access::Provider>,
    config: Config,
    tables: Vec<(String, toml::Table)>,
}

impl PolicyFile {
    /// Reads the access policy of `config`, with the file to watch, if there is one. Returns all mistakes of the file.
    pub fn start(config: &Config) -> Result<(AccessPolicy, Option<Self>), String> {
        let AccessSource::File { path, outside } = &config.access else {
            return Ok((AccessPolicy::of_lists(config), None));
        };
        let (path, outside) = (path.clone(), outside.clone());
        let mut file = Self { path, outside, config: config.clone(), tables: Vec::new() };
        let (policy, tables) = file.read()?;
        file.tables = tables;
        Ok((policy, Some(file)))
    }

    fn read(&self) -> Result<(AccessPolicy, Vec<(String, toml::Table)>), String> {
        let name = self.path.display();
        let file = AccessFile::without_secrets(&self.path, &self.outside)
            .map_err(|list| list.join("; "))?;
        let failures = file.document.failures(SystemClock.now());
        if !failures.is_empty() {
            let lines: Vec<_> =
                failures.iter().map(|failure| format!("{name}:{failure}")).collect();
            return Err(lines.join("; "));
        }
        if !self.config.signed_identity && file.document.policy.has_tool_rules() {
            return Err(format!("{name}: rules with tools need SIGNED_IDENTITY=true"));
        }
        for warning in &file.document.warnings {
            log::warn!("{name}:{warning}");
        }
        let tables = file.document.providers.iter().map(contents).collect();
        Ok((AccessPolicy::new(file.document.policy, &self.config), tables))
    }

    /// Publishes the policy whenever the file changes, until all receivers are dropped.
    pub async fn watch(self, publish: watch::Sender<Arc<AccessPolicy>>) {
        let mut file_watch = Watch::new(self.path.clone());
        loop {
            tokio::select! {
                () = file_watch.changed() => {}
                () = publish.closed() => return,
            }
            loop {
                tokio::time::sleep(SETTLING).await;
                if !file_watch.poll().await {
                    break;
                }
            }
            match self.read() {
                Ok((policy, tables)) => {
                    if tables != self.tables {
                        log::warn!(
                            "{}: changed providers take effect when the service starts again",
                            self.path.display()
                        );
                    }
                    let has_changed = publish.send_if_modified(|current| {
                        let differs = **current != policy;
                        *current = Arc::new(policy);
                        differs
                    });
                    if has_changed {
                        log::info!("access policy changed: {}", self.path.display());
                    }
                }
                Err(problems) => log::error!("access policy unchanged: {problems}"),
            }
        }
    }
}

fn contents(table: &ProviderTable) -> (String, toml::Table) {
    (table.provider.name.clone(), table.table.clone())
}
