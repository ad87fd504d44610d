//! Confinement of each server process to a Landlock domain of its own (landlock(7)), which its descendants
//! inherit. A process in a domain may ptrace(2) only processes of the same domain or of one nested in it. The
//! kernel guards `/proc/PID/environ`, `mem`, `maps` and `fd` by the same check. The proxy is in no domain: it
//! can signal all servers, and no server can read the proxy's memory.

use std::io;

use landlock::{
    AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreated, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities, set_no_new_privs};

/// The capabilities that give root access to the memory of any process, past Landlock.
const OVER_OTHERS: CapabilitySet = CapabilitySet::SYS_ADMIN
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::PERFMON)
    .union(CapabilitySet::SYS_RAWIO)
    .union(CapabilitySet::SYS_MODULE);

/// The level of protection of other processes from a server process. Each level includes those below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// No signals and no connections to abstract sockets across domains (Linux 6.12).
    Full,
    /// No ptrace(2) across domains (Linux 5.19). Without [`Confinement::Full`], mount(2) is denied, too.
    Tracing,
    /// No gain of privileges by setuid programs, and no capabilities over other processes.
    Privileges,
    /// No confinement.
    Off,
}

impl Confinement {
    const ALL: [Self; 4] = [Self::Full, Self::Tracing, Self::Privileges, Self::Off];

    /// Returns the strongest level that this kernel offers.
    ///
    /// Linux 5.13 to 5.18 have Landlock but not [`Confinement::Tracing`]: a domain there denies every
    /// rename from one directory to another, which breaks servers.
    #[must_use]
    pub fn detect() -> Self {
        let offered = |one: &Self| one.ruleset().is_ok();
        Self::ALL.into_iter().find(offered).unwrap_or(Self::Off)
    }

    /// Returns its name among the arguments of the launcher.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Tracing => "tracing",
            Self::Privileges => "privileges",
            Self::Off => "off",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Confines this process and the programs that it executes, permanently.
    pub(super) fn enter(self) -> io::Result<()> {
        if self == Self::Off {
            return Ok(());
        }
        // Landlock requires it of processes without CAP_SYS_ADMIN, and execve(2) restores no capability.
        set_no_new_privs(true)?;
        let mut sets = capabilities(None)?;
        if sets.permitted.intersects(OVER_OTHERS) {
            for set in [&mut sets.effective, &mut sets.permitted, &mut sets.inheritable] {
                set.remove(OVER_OTHERS);
            }
            set_capabilities(None, sets)?;
        }
        let Some(ruleset) = self.ruleset().map_err(io::Error::other)? else { return Ok(()) };
        match ruleset.restrict_self().map_err(io::Error::other)?.ruleset {
            RulesetStatus::FullyEnforced => Ok(()),
            _ => Err(io::Error::other("Landlock is not enforced")),
        }
    }

    /// Returns the smallest ruleset that creates a domain, so that servers work as they do without one. A
    /// file right that is handled and allowed below `/` has no effect; a ruleset of scopes needs no such
    /// right.
    fn ruleset(self) -> Result<Option<RulesetCreated>, RulesetError> {
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        match self {
            Self::Full => {
                ruleset.scope(Scope::Signal | Scope::AbstractUnixSocket)?.create().map(Some)
            }
            Self::Tracing => {
                let created = ruleset.handle_access(AccessFs::Refer)?.create()?;
                // Without the rule the domain would deny renames: stricter, never weaker.
                let Ok(root) = PathFd::new("/") else { return Ok(Some(created)) };
                created.add_rule(PathBeneath::new(root, AccessFs::Refer)).map(Some)
            }
            Self::Privileges | Self::Off => Ok(None),
        }
    }

    /// Logs the consequences of this level for the operator.
    pub(super) fn report(self) {
        match self {
            Self::Full => log::info!(
                "each server process is confined by Landlock: it cannot read the memory or \
                 environment of other processes, nor signal them"
            ),
            Self::Tracing => log::warn!(
                "server processes can signal each other: separating signals needs Linux 6.12. Landlock \
                 keeps them from reading the memory or environment of other processes"
            ),
            Self::Privileges | Self::Off => log::warn!(
                "server processes are not separated from each other: Landlock is missing (Linux 5.19 \
                 or later, with \"landlock\" in /sys/kernel/security/lsm). A server can read the \
                 memory and environment of other servers of its user, also those of other people. \
                 Give each server a \"uid\" or a container of its own, and let people in who trust each \
                 other"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_confinement() {
        for one in Confinement::ALL {
            assert_eq!(Confinement::from_name(one.name()), Some(one));
        }
        assert_eq!(Confinement::from_name("-"), None);
    }
}
