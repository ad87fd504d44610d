//! The part of the proxy's own environment that a process inherits. The rest contains the gateway's secrets.

use std::ffi::OsString;

/// The variables that locate a home directory, a locale and certificates.
const PASSED: &[&str] = &[
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "NODE_EXTRA_CA_CERTS",
    "PATH",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// Returns the inherited part of `all`: the names above, `LC_*`, and those in `more`.
pub fn passed(
    all: impl Iterator<Item = (OsString, OsString)>,
    more: &[String],
) -> Vec<(OsString, OsString)> {
    all.filter(|(name, _)| {
        name.to_str().is_some_and(|name| {
            PASSED.contains(&name) || name.starts_with("LC_") || more.iter().any(|one| one == name)
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the quickstart's own list, since its servers would otherwise miss a variable that others get.
    #[test]
    fn the_quickstart_gives_the_proxy_what_servers_get() {
        let script = include_str!("../../../scripts/lib/environment.sh");
        let common = script.split("COMMON=\"").nth(1).unwrap().split('"').next().unwrap();
        let names: Vec<_> = common.split_whitespace().filter(|name| *name != "LC_*").collect();
        assert_eq!(names, PASSED);
    }

    #[test]
    fn secrets_of_the_gateway_stay_behind() {
        let all = ["PATH", "LC_ALL", "GITHUB_CLIENT_SECRET", "REDIS_URL", "MY_KEY", "PATHX"]
            .map(|name| (OsString::from(name), OsString::from("x")));
        let names: Vec<_> = passed(all.into_iter(), &["MY_KEY".into()])
            .into_iter()
            .map(|(name, _)| name.into_string().unwrap())
            .collect();
        assert_eq!(names, ["PATH", "LC_ALL", "MY_KEY"]);
    }
}
