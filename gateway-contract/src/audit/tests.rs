//! Tests of the audit log on real files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::lines::Rotation;

const LONG: Duration = Duration::from_secs(30);

fn settings(path: &Path, rotation: Rotation) -> Settings {
    let target = Some(Target::File(path.to_owned()));
    Settings { target, filter: Filter::default(), rotation }
}

fn start(path: &Path, rotation: Rotation) -> AuditLog {
    AuditLog::start(&settings(path, rotation), "test").unwrap()
}

fn events(path: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn call<'a>(log: &'a AuditLog, tool: &'a str) -> Event<'a> {
    let mut event = log.event(EventKind::ToolCalled);
    event.tool = Some(tool.into());
    event
}

#[test]
fn an_event_is_a_line_that_only_owner_and_group_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/audit.jsonl");
    let log = start(&path, Rotation::default());
    log.write(&call(&log, "one\ntwo"));
    log.write(&log.event(EventKind::AccessAdmitted));
    log.flush(LONG);
    let events = events(&path);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["event"], "tool.called");
    assert_eq!(events[0]["tool"], "one\ntwo");
    assert!(is_id(events[0]["id"].as_str().unwrap()));
    assert!(events[0]["by"].as_str().unwrap().starts_with("test@"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0);
}

#[test]
fn a_file_is_rotated_by_size_and_a_number_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = start(&path, Rotation { max_size: 1000, keep: 2 });
    let lines = (0..100).map(|n| format!("{{\"id\":\"{n}\"}}{}", " ".repeat(90)));
    for line in lines {
        log.append([line.as_str()]).unwrap();
    }
    let mut names = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect::<Vec<_>>();
    names.sort();
    assert_eq!(names, ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]);
    let ids = ["audit.jsonl.2", "audit.jsonl.1", "audit.jsonl"].map(|name| {
        let path = directory.path().join(name);
        assert!(fs::metadata(&path).unwrap().len() <= 1000);
        events(&path)
            .iter()
            .map(|event| event["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    });
    let ids = ids.concat();
    let last = (100 - ids.len()..100).map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(ids, last);
    assert!(log.tail_ids().unwrap().contains("95"), "{ids:?}");
}

#[test]
fn two_processes_rotate_one_file_without_losing_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let rotation = Rotation { max_size: 2000, keep: 1000 };
    let threads = (0..4_usize).map(|thread| {
        let log = start(&path, rotation);
        std::thread::spawn(move || {
            for n in 0..200 {
                log.append([format!("{{\"id\":\"{thread}-{n}\"}}").as_str()]).unwrap();
            }
        })
    });
    threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
    let files = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let lines = files.map(|file| events(&file).len()).collect::<Vec<_>>();
    assert!(lines.len() > 3, "{lines:?}");
    assert_eq!(lines.iter().sum::<usize>(), 800);
}

#[test]
fn a_file_that_somebody_moved_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let (path, moved) = (directory.path().join("audit.jsonl"), directory.path().join("old"));
    let log = start(&path, Rotation::default());
    for tool in ["a", "b"] {
        log.write(&call(&log, tool));
        log.flush(LONG);
        if tool == "a" {
            fs::rename(&path, &moved).unwrap();
        }
    }
    assert_eq!(events(&moved)[0]["tool"], "a");
    assert_eq!(events(&path)[0]["tool"], "b");
}

#[test]
fn a_torn_line_of_a_crash_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    fs::write(&path, "{\"id\":\"first\"}\n{\"id\":\"to").unwrap();
    let log = start(&path, Rotation::default());
    log.append(["{\"id\":\"next\"}"]).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, "{\"id\":\"first\"}\n{\"id\":\"to\n{\"id\":\"next\"}\n");
    let ids = log.tail_ids().unwrap();
    assert!(ids.contains("first") && ids.contains("next") && ids.len() == 2, "{ids:?}");
}

#[test]
fn events_that_cannot_be_written_are_counted_and_reported() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("logs/audit.jsonl");
    let log = start(&path, Rotation::default());
    // Nothing can be created where there is no directory.
    fs::remove_dir_all(directory.path().join("logs")).unwrap();
    for _ in 0..3 {
        log.write(&call(&log, "gone"));
    }
    log.flush(Duration::from_millis(100));
    assert!(log.append(["{}"]).is_err());
    fs::create_dir(directory.path().join("logs")).unwrap();
    log.write(&call(&log, "kept"));
    log.flush(LONG);
    let lost = events(&path).into_iter().find(|event| event["event"] == "audit.lost").unwrap();
    assert_eq!((&lost["outcome"], lost["count"].as_u64()), (&"failed".into(), Some(log.lost())));
    let calls = events(&path).iter().filter(|event| event["event"] == "tool.called").count();
    assert_eq!(log.lost() + u64::try_from(calls).unwrap(), 4);
    assert!(log.lost() > 0);
}

#[test]
fn no_event_is_written_later_than_one_interval() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = start(&path, Rotation::default());
    for _ in 0..20 {
        log.write(&call(&log, "x"));
    }
    let deadline = std::time::Instant::now() + FLUSH_INTERVAL + Duration::from_secs(2);
    while events(&path).len() < 20 {
        assert!(std::time::Instant::now() < deadline, "{}", events(&path).len());
        std::thread::sleep(Duration::from_millis(5));
    }
}
