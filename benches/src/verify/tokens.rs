//! The tokens of a run, each minted by the service that will check it.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use auth_service::app;
use auth_service::config::Config;
use auth_service::model::{OwnAccess, ServerName, User};
use auth_service::oauth::NewToken;
use auth_service::servers::Sources;
use tokio::task::JoinSet;

use super::stage::{SERVER, Stage};

/// How many are minted at once.
const LANES: usize = 16;

/// `count` tokens of our own service, by its own code.
pub async fn ours(stage: &Stage, count: usize) -> anyhow::Result<Vec<String>> {
    let settings: HashMap<_, _> = stage.settings().into_iter().collect();
    let config = Config::from_map(settings).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let listing = Sources::new(&config).read().await?;
    let (server, _publish) = app::build(config, &listing, AuditLog::none("bench"))?;
    let server = Arc::new(server);
    let name = ServerName::parse(SERVER).context("the name of the server")?;
    let known = server.core.catalogue().by_name(&name).cloned().context("the server")?;
    let access = OwnAccess { resources: vec![known.resource], scopes: known.scopes.basic };
    let mut tasks = JoinSet::new();
    for lane in 0..LANES {
        let (server, access) = (Arc::clone(&server), access.clone());
        tasks.spawn(async move {
            let mut tokens = Vec::new();
            for _ in (lane..count).step_by(LANES) {
                let user = User {
                    subject: "local:bench".to_owned(),
                    name: "bench".to_owned(),
                    email: None,
                };
                let lifetime = Duration::from_hours(4);
                let new = NewToken { user, access: access.clone(), lifetime, label: None };
                tokens.push(server.tokens.mint_token(new).await?);
            }
            Ok::<_, auth_service::oauth::Error>(tokens)
        });
    }
    let mut tokens = Vec::with_capacity(count);
    while let Some(minted) = tasks.join_next().await {
        tokens.extend(minted??);
    }
    Ok(tokens)
}

/// A token of the predecessor, by its own code.
pub fn of_predecessor(python: &Path, settings: &[(String, String)]) -> anyhow::Result<String> {
    const MINT: &str = r#"
import asyncio, redis.asyncio as redis
from mcp_oauth_dynamicclient.auth_authlib import AuthManager
from mcp_oauth_dynamicclient.config import Settings

async def mint():
    settings = Settings()
    claims = {"sub": "1", "username": "bench", "email": "b@example.org", "name": "Bench", "scope": "openid", "client_id": "bench"}
    print(await AuthManager(settings).create_jwt_token(claims, redis.from_url(settings.redis_url, decode_responses=True)))

asyncio.run(mint())
"#;
    let output = Command::new(python).args(["-c", MINT]).envs(settings.iter().cloned()).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().last().unwrap_or_default().trim().to_owned())
}

/// A script for wrk that sends each token of the list in turn.
pub fn script(directory: &Path, tokens: &[String]) -> anyhow::Result<std::path::PathBuf> {
    let (list, script) = (directory.join("tokens"), directory.join("tokens.lua"));
    std::fs::write(&list, tokens.join("\n"))?;
    let lua = format!(
        "local tokens = {{}}\nlocal at = 0\n\
         for line in io.lines({list:?}) do tokens[#tokens + 1] = \"Bearer \" .. line end\n\
         function request()\n  at = at % #tokens + 1\n  wrk.headers[\"Authorization\"] = tokens[at]\n  \
         return wrk.format()\nend\n"
    );
    std::fs::write(&script, lua)?;
    Ok(script)
}
