//! Gives each server process a Landlock domain of its own (landlock(7)), which its descendants inherit.
//! A process in a domain may ptrace(2) only processes of the same domain or of one nested in it. The
//! kernel guards `/proc/PID/environ`, `mem`, `maps`, `fd` and `root` by the same check, also against
//! root. The proxy is in no domain: it can signal all servers, and none of them can read the proxy.

use std::io;

use landlock::{
    AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreated, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

/// The protection of other processes from a server process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// No ptrace(2), no signals and no connections to abstract sockets across domains (Linux 6.12).
    Full,
    /// No ptrace(2) across domains (Linux 5.19). Side effect: mount(2) and pivot_root(2) are denied.
    Tracing,
    /// No domain.
    Off,
}

impl Confinement {
    /// Returns the strongest one that this kernel offers.
    ///
    /// Linux 5.13 to 5.18 count as [`Confinement::Off`]: a domain there denies every rename from one
    /// directory to another, which breaks servers.
    #[must_use]
    pub fn detect() -> Self {
        let offered = |one: &Self| one.ruleset().is_ok();
        [Self::Full, Self::Tracing].into_iter().find(offered).unwrap_or(Self::Off)
    }

    /// Returns the form that [`Confinement::from_name`] reads.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Tracing => "tracing",
            Self::Off => "off",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Full, Self::Tracing, Self::Off].into_iter().find(|one| one.name() == name)
    }

    /// Moves this process into a new domain, for good. Also sets `no_new_privs`, which Landlock
    /// demands of processes without `CAP_SYS_ADMIN`.
    pub(super) fn enter(self) -> io::Result<()> {
        let Some(ruleset) = self.ruleset().map_err(io::Error::other)? else { return Ok(()) };
        match ruleset.restrict_self().map_err(io::Error::other)?.ruleset {
            RulesetStatus::FullyEnforced => Ok(()),
            _ => Err(io::Error::other("Landlock is not enforced")),
        }
    }

    /// The least that makes a domain: it restricts nothing of the server's own work. An access right
    /// that is handled and allowed below `/` changes nothing; without scopes one is needed.
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
            Self::Off => Ok(None),
        }
    }

    /// Logs what the operator has to know about it, once at the start.
    pub(super) fn report(self) {
        match self {
            Self::Full => log::info!(
                "each server process is confined by Landlock: it cannot read the memory or \
                 environment of other processes, nor signal them"
            ),
            Self::Tracing => log::warn!(
                "each server process is confined by Landlock, but may signal other processes of its \
                 user, and may not mount: both need Linux 6.12. It cannot read the memory or \
                 environment of other processes"
            ),
            Self::Off => log::warn!(
                "server processes are not confined: this system has no Landlock (Linux 5.19 or \
                 later, \"landlock\" in /sys/kernel/security/lsm). A server can read the memory and \
                 environment of other processes of its user, also those of other people's servers. \
                 Give servers a \"uid\" or a container of their own"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_confinement() {
        for one in [Confinement::Full, Confinement::Tracing, Confinement::Off] {
            assert_eq!(Confinement::from_name(one.name()), Some(one));
        }
        assert_eq!(Confinement::from_name("-"), None);
    }
}
