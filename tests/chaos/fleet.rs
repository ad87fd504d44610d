//! The programs of a run as processes: started, killed, paused, and started again when they end by themselves.

use std::{
    collections::HashMap,
    fs::File,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::names::Name;

/// The longest time that a program may take to end when it is asked to.
const END: Duration = Duration::from_secs(20);

/// The pids of the programs that run.
#[derive(Debug, Default)]
pub struct Pids(RwLock<HashMap<Name, u32>>);

impl Pids {
    /// Returns all of them.
    pub fn all(&self) -> Vec<(Name, u32)> {
        let pids = self.0.read().unwrap_or_else(PoisonError::into_inner);
        pids.iter().map(|(name, pid)| (*name, *pid)).collect()
    }
}

/// The way to start a program.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment, besides `PATH` and `HOME`.
    pub environment: Vec<(String, String)>,
    /// Its working directory.
    pub directory: PathBuf,
    /// The file that its output is appended to.
    pub log: PathBuf,
}

impl Recipe {
    /// Returns the command, without its output.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.directory).env_clear();
        for name in ["PATH", "HOME"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command.envs(environment).stdin(Stdio::null());
        command
    }
}

struct Slot {
    recipe: Recipe,
    child: Option<Child>,
    is_wanted: bool,
    /// `true` if the child was asked to end.
    is_ending: bool,
}

/// All programs.
#[derive(Default)]
pub struct Fleet {
    slots: Mutex<HashMap<Name, Slot>>,
    /// The pids, for the relays.
    pub pids: Arc<Pids>,
    /// The programs that ended although nobody had asked, in words.
    pub surprises: Mutex<Vec<String>>,
}

impl Fleet {
    fn slots(&self) -> MutexGuard<'_, HashMap<Name, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the names of all programs.
    pub fn names(&self) -> Vec<Name> {
        self.slots().keys().copied().collect()
    }

    /// Adds a program and starts it.
    pub fn add(&self, name: Name, recipe: Recipe) {
        self.slots().insert(name, Slot { recipe, child: None, is_wanted: false, is_ending: false });
        self.start(name);
    }

    /// Starts a program, unless it runs.
    pub fn start(&self, name: Name) {
        let mut slots = self.slots();
        let slot = slots.get_mut(&name).expect("a program of the run");
        slot.is_wanted = true;
        if slot.child.is_some() {
            return;
        }
        let log = File::options().create(true).append(true).open(&slot.recipe.log);
        let log = log.expect("a log");
        let mut command = slot.recipe.command();
        command.stdout(log.try_clone().expect("a log")).stderr(log);
        // A relay that looks for the owner of a connection finds the pid of the new process.
        let mut pids = self.pids.0.write().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        pids.insert(name, child.id());
        slot.child = Some(child);
        slot.is_ending = false;
    }

    /// Kills a program (`kill -9`). It stays away until it is started.
    pub fn kill(&self, name: Name) {
        let mut slots = self.slots();
        let slot = slots.get_mut(&name).expect("a program of the run");
        slot.is_wanted = false;
        if let Some(mut child) = slot.child.take() {
            let _gone = child.kill();
            let _status = child.wait();
        }
        drop(slots);
        self.forget(name);
    }

    /// Pauses a program.
    pub fn pause(&self, name: Name) {
        self.signal(name, Signal::STOP);
    }

    /// Lets a paused program go on.
    pub fn resume(&self, name: Name) {
        self.signal(name, Signal::CONT);
    }

    /// Asks a program to end and waits for it. Returns how long that took.
    pub async fn end(&self, name: Name) -> Duration {
        let start = Instant::now();
        if let Some(slot) = self.slots().get_mut(&name) {
            (slot.is_wanted, slot.is_ending) = (false, true);
        }
        self.signal(name, Signal::TERM);
        while start.elapsed() < END && !self.has_ended(name) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let took = start.elapsed();
        if took >= END {
            self.surprised(format!("{name} did not end within {END:?}"));
        }
        self.kill(name);
        took
    }

    /// Starts programs again that ended by themselves, as a service manager does. Never returns.
    pub async fn tend(&self) {
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            for name in self.names() {
                if let Some((status, was_asked)) = self.take_ended(name) {
                    // At the end of the faults, a restart is interrupted.
                    if !was_asked {
                        self.surprised(format!("{name} ended by itself: {status}"));
                    }
                    self.forget(name);
                    self.start(name);
                }
            }
        }
    }

    /// Ends everything at once.
    pub fn kill_all(&self) {
        for name in self.names() {
            self.kill(name);
        }
    }

    /// Returns `true` if a program has ended.
    fn has_ended(&self, name: Name) -> bool {
        let mut slots = self.slots();
        let child = slots.get_mut(&name).and_then(|slot| slot.child.as_mut());
        child.is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// Returns the status of a program that has ended although it should run, and `true` if it was asked to end before.
    fn take_ended(&self, name: Name) -> Option<(ExitStatus, bool)> {
        let mut slots = self.slots();
        let slot = slots.get_mut(&name).filter(|slot| slot.is_wanted)?;
        let status = slot.child.as_mut()?.try_wait().ok().flatten()?;
        slot.child = None;
        Some((status, slot.is_ending))
    }

    fn signal(&self, name: Name, signal: Signal) {
        let slots = self.slots();
        let Some(child) = slots.get(&name).and_then(|slot| slot.child.as_ref()) else { return };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a pid");
        // The child was not waited for yet, so the pid is still its own.
        let _gone = kill_process(pid, signal);
    }

    fn forget(&self, name: Name) {
        self.pids.0.write().unwrap_or_else(PoisonError::into_inner).remove(&name);
    }

    /// Records something that nobody has asked for.
    pub fn surprised(&self, what: String) {
        self.surprises.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}
