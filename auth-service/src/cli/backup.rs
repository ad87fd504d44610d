//! Commands `backup` and `restore`. A backup is a file of JSON lines: a header with format and version, one line per
//! Redis key, and a trailer. The trailer has the number of keys, which proves that the file is complete.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, BufWriter, Lines, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::Args;
use gateway_contract::audit::EventKind;
use serde::{Deserialize, Serialize};

use super::operator;
use crate::{
    model::{Clock, SystemClock, UnixTime},
    store::{Entry, Restored, Store},
};

const FORMAT: &str = "mcp-oauth-gateway backup";
const VERSION: u32 = 1;

/// The number of entries that are restored at once.
const BATCH: usize = 500;

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
    let created = operator::draft(store, EventKind::BackupCreated);
    store.audit.post(created).await?;
    let head = Head { format: FORMAT.to_owned(), version: VERSION, made_at: SystemClock.now() };
    writeln!(out, "{}", serde_json::to_string(&head)?)?;
    let mut entries = 0;
    store
        .maintenance
        .dump(|entry| -> anyhow::Result<()> {
            entries += 1;
            Ok(writeln!(out, "{}", serde_json::to_string(&entry)?)?)
        })
        .await?;
    writeln!(out, "{}", serde_json::to_string(&Tail { entries })?)?;
    out.flush()?;
    Ok(entries)
}

/// Restores a backup. Writes nothing to Redis unless the whole file is valid. The file is read several times,
/// so that its size does not matter.
pub(super) async fn restore(restore: Restore, store: &Store) -> anyhow::Result<()> {
    let name = restore.file.display();
    let source = Source::of(&restore.file).with_context(|| format!("cannot open {name}"))?;
    let count = source.entries().and_then(|mut all| all.try_fold(0, |n, one| one.map(|_| n + 1)));
    let count: usize = count.with_context(|| format!("{name} is not restored"))?;
    if !restore.overwrite {
        let (mut present, mut entries) = (0, source.entries()?);
        while let Some(batch) = batch(&mut entries)? {
            present += store.maintenance.present(&batch).await?;
        }
        ensure!(
            present == 0,
            "Redis already has {present} of the {count} keys; --overwrite replaces them and undoes what \
             was revoked or renewed since the backup"
        );
    }
    store.maintenance.prepare_restore().await?;
    let (mut done, mut entries) = (Restored::default(), source.entries()?);
    while let Some(batch) = batch(&mut entries)? {
        let part = store.maintenance.restore(&batch, SystemClock.now()).await?;
        done.written += part.written;
        done.ended += part.ended;
    }
    let restored = operator::draft(store, EventKind::BackupRestored);
    store.audit.post(restored.count(u64::try_from(done.written).unwrap_or(u64::MAX))).await?;
    log::info!(target: "audit", written = done.written; "restored by the operator");
    super::say(&format!("{} keys restored, {} expired meanwhile", done.written, done.ended))
}

/// The source of a backup, which can be read again.
enum Source {
    File(PathBuf),
    /// Standard input, which is kept in memory.
    Text(Vec<u8>),
}

impl Source {
    fn of(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            let mut text = Vec::new();
            std::io::stdin().lock().read_to_end(&mut text)?;
            return Ok(Self::Text(text));
        }
        File::open(path)?;
        Ok(Self::File(path.to_owned()))
    }

    fn entries(&self) -> anyhow::Result<Entries<Box<dyn BufRead + '_>>> {
        Entries::of(match self {
            Self::File(path) => Box::new(BufReader::new(File::open(path)?)),
            Self::Text(text) => Box::new(text.as_slice()),
        })
    }
}

/// Reads the next entries. Returns `None` at the end.
fn batch<S: BufRead>(entries: &mut Entries<S>) -> anyhow::Result<Option<Vec<Entry>>> {
    let batch: Vec<Entry> = entries.take(BATCH).collect::<anyhow::Result<_>>()?;
    Ok((!batch.is_empty()).then_some(batch))
}

/// The entries of a backup, one after the other. The last one is an error if the backup is not whole.
struct Entries<S> {
    lines: Lines<S>,
    /// The number of entries so far, or `None` at the end.
    count: Option<usize>,
}

impl<S: BufRead> Entries<S> {
    fn of(source: S) -> anyhow::Result<Self> {
        let mut lines = source.lines();
        let first = lines.next().context("the file is empty")??;
        let head: Head = serde_json::from_str(&first).ok().context("the file is not a backup")?;
        ensure!(head.format == FORMAT, "the file is not a backup");
        ensure!(head.version == VERSION, "the file has version {}, not {VERSION}", head.version);
        Ok(Self { lines, count: Some(0) })
    }

    fn read(&mut self, count: usize) -> anyhow::Result<Option<Entry>> {
        let line = self.lines.next();
        let line = line.with_context(|| format!("the file is cut off after {count} keys"))??;
        if let Ok(Tail { entries }) = serde_json::from_str(&line) {
            ensure!(entries == count, "the file has {count} keys, not {entries}");
            return Ok(None);
        }
        // The error of the library may quote the line.
        let entry: Option<Entry> = serde_json::from_str(&line).ok();
        let number = count + 2;
        let entry = entry.with_context(|| format!("line {number} cannot be read"))?;
        ensure!(entry.is_ours(), "line {number} has a key that is not of this gateway");
        Ok(Some(entry))
    }
}

impl<S: BufRead> Iterator for Entries<S> {
    type Item = anyhow::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        let count = self.count.take()?;
        let entry = self.read(count).transpose()?;
        self.count = entry.is_ok().then_some(count + 1);
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_whole_backup_is_not_read() {
        let head = r#"{"format":"mcp-oauth-gateway backup","version":1,"made_at":1}"#;
        let entry = r#"{"key":"mcpgw:client:x","string":"{}"}"#;
        let read = |lines: &[&str]| -> anyhow::Result<Vec<Entry>> {
            Entries::of(lines.join("\n").as_bytes())?.collect()
        };
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
