//! Commands `backup` and `restore`. A backup is a file of JSON lines: a header with format and version, one line per
//! Redis key, and a trailer. The trailer has the number of keys, which proves that the file is complete.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    model::{Clock, SystemClock, UnixTime},
    store::{Entry, Store},
};

const FORMAT: &str = "mcp-oauth-gateway backup";
const VERSION: u32 = 1;

/// Command-line arguments of `backup`.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to write (mode 0600, never overwritten); `-` is standard output.
    file: PathBuf,
}

/// Command-line arguments of `restore`.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The file to read; `-` is standard input.
    file: PathBuf,
    /// Overwrite keys that exist in Redis.
    #[arg(long)]
    overwrite: bool,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    version: u32,
    made_at: UnixTime,
}

#[derive(Serialize, Deserialize)]
struct Tail {
    entries: usize,
}

/// Writes the gateway's Redis keys to a file. The file grants no access, because it has credentials only as SHA-256
/// hashes, but it names people and clients.
pub(super) async fn backup(backup: Backup, store: &Store) -> anyhow::Result<()> {
    if backup.file == Path::new("-") {
        write(store, std::io::stdout()).await?;
        return Ok(());
    }
    let name = backup.file.display();
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(&backup.file);
    let file = file.with_context(|| format!("cannot create {name}"))?;
    let count = match write(store, &file).await {
        Ok(count) => count,
        Err(error) => {
            // An incomplete file is useless and would block the next attempt.
            let _gone = std::fs::remove_file(&backup.file);
            return Err(error);
        }
    };
    file.sync_all()?;
    super::say(&format!("{count} keys in {name}"))
}

async fn write(store: &Store, out: impl Write) -> anyhow::Result<usize> {
    let mut out = BufWriter::new(out);
    let head = Head { format: FORMAT.to_owned(), version: VERSION, made_at: SystemClock.now() };
    writeln!(out, "{}", serde_json::to_string(&head)?)?;
    let mut entries = 0;
    store
        .dump(|entry| -> anyhow::Result<()> {
            entries += 1;
            Ok(writeln!(out, "{}", serde_json::to_string(&entry)?)?)
        })
        .await?;
    writeln!(out, "{}", serde_json::to_string(&Tail { entries })?)?;
    out.flush()?;
    Ok(entries)
}

/// Restores a backup. Writes nothing to Redis unless the whole file is valid.
pub(super) async fn restore(restore: Restore, store: &Store) -> anyhow::Result<()> {
    let name = restore.file.display();
    let entries = if restore.file == Path::new("-") {
        read(std::io::stdin().lock())
    } else {
        let file = File::open(&restore.file).with_context(|| format!("cannot open {name}"))?;
        read(BufReader::new(file))
    };
    let entries = entries.with_context(|| format!("{name} is not restored"))?;
    let present = store.present(&entries).await?;
    ensure!(
        present == 0 || restore.overwrite,
        "Redis already has {present} of the {} keys; --overwrite replaces them and undoes what \
         was revoked or renewed since the backup",
        entries.len()
    );
    let done = store.restore(&entries, SystemClock.now()).await?;
    log::info!(target: "audit", written = done.written; "restored by the operator");
    super::say(&format!("{} keys restored, {} expired meanwhile", done.written, done.ended))
}

fn read(source: impl BufRead) -> anyhow::Result<Vec<Entry>> {
    let mut lines = source.lines();
    let first = lines.next().context("the file is empty")??;
    let head: Head = serde_json::from_str(&first).ok().context("the file is not a backup")?;
    ensure!(head.format == FORMAT, "the file is not a backup");
    ensure!(head.version == VERSION, "the file has version {}, not {VERSION}", head.version);
    let mut entries = Vec::new();
    for (line, number) in lines.zip(2_usize..) {
        let line = line?;
        if let Ok(Tail { entries: count }) = serde_json::from_str(&line) {
            ensure!(count == entries.len(), "the file has {} keys, not {count}", entries.len());
            return Ok(entries);
        }
        // The error of the library may quote the line.
        let entry: Option<Entry> = serde_json::from_str(&line).ok();
        let entry = entry.with_context(|| format!("line {number} cannot be read"))?;
        ensure!(entry.is_ours(), "line {number} has a key that is not of this gateway");
        entries.push(entry);
    }
    bail!("the file is cut off after {} keys", entries.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_whole_backup_is_not_read() {
        let head = r#"{"format":"mcp-oauth-gateway backup","version":1,"made_at":1}"#;
        let entry = r#"{"key":"mcpgw:client:x","string":"{}"}"#;
        let read = |lines: &[&str]| read(lines.join("\n").as_bytes());
        assert_eq!(read(&[head, entry, r#"{"entries":1}"#]).unwrap().len(), 1);
        assert_eq!(read(&[head, r#"{"entries":0}"#]).unwrap().len(), 0);
        for (lines, part) in [
            (vec![], "empty"),
            (vec!["{}"], "not a backup"),
            (vec![&head.replace("\"version\":1", "\"version\":2")[..]], "version 2"),
            (vec![head, entry], "cut off after 1"),
            (vec![head, entry, r#"{"entries":2}"#], "has 1 keys"),
            (vec![head, "{\"key\":", r#"{"entries":1}"#], "line 2"),
            (vec![head, r#"{"key":"other:x","string":"y"}"#], "not of this gateway"),
        ] {
            let error = read(&lines).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
