//! The revisions of MCP and their differences (specification, "Versioning").

/// A revision with the `initialize` handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// 2024-11-05, and every unknown revision that is older.
    R20241105,
    /// 2025-03-26, with Streamable HTTP and batches.
    R20250326,
    /// 2025-06-18, without batches and with the version header.
    R20250618,
    /// 2025-11-25, with streams that the server may close and the client resumes.
    R20251125,
}

/// The newest revision with a handshake.
pub const NEWEST_HANDSHAKE: &str = "2025-11-25";

/// The revision without a handshake, in which each request carries its own context. Its servers compare the `Mcp-*`
/// headers with the body.
pub const MODERN: &str = "2026-07-28";

/// A range of revisions that open in the same way ("Terminology").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Era {
    /// 2025-11-25 and earlier.
    Legacy,
    /// 2026-07-28.
    Modern,
}

impl Era {
    /// Returns the name of the era in settings and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

impl Revision {
    /// Returns the revision that a `protocolVersion` names. A newer one counts as the newest known.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name {
            "2025-03-26" => Self::R20250326,
            "2025-06-18" => Self::R20250618,
            newer if newer >= NEWEST_HANDSHAKE && is_date(newer) => Self::R20251125,
            _ => Self::R20241105,
        }
    }

    /// Returns `true` if "receivers MUST accept batches". 2025-06-18 removed them.
    #[must_use]
    pub fn has_batches(self) -> bool {
        self == Self::R20250326
    }

    /// Returns `true` if a stream may open with an event of empty data, which older clients cannot parse.
    #[must_use]
    pub fn has_priming(self) -> bool {
        self >= Self::R20251125
    }
}

/// Returns `true` if requests with this value of `MCP-Protocol-Version` are served.
///
/// "If the server receives a request with an invalid or unsupported MCP-Protocol-Version, it MUST
/// respond with 400". Clients in the field send a newer date than they negotiated, or the header
/// twice, joined by a comma. Both are served, because `initialize` settled the revision.
#[must_use]
pub fn is_served(header: &str) -> bool {
    header
        .split(',')
        .map(str::trim)
        .all(|name| has_handshake(name) || (is_date(name) && name >= NEWEST_HANDSHAKE))
}

/// Returns `true` if `name` is a revision with the `initialize` handshake. This includes 2024-10-07, before the
/// first release, which old servers still speak.
#[must_use]
pub fn has_handshake(name: &str) -> bool {
    matches!(name, "2024-10-07" | "2024-11-05" | "2025-03-26" | "2025-06-18" | NEWEST_HANDSHAKE)
}

/// Returns `true` if `header` names a revision without a handshake, or an unknown one.
#[must_use]
pub fn is_beyond_handshake(header: &str) -> bool {
    !(has_handshake(header) || is_date(header) && header <= NEWEST_HANDSHAKE)
}

fn is_date(name: &str) -> bool {
    name.len() == 10
        && name.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_newer_and_doubled_versions_are_served() {
        for good in ["2024-11-05", "2025-06-18", "2026-07-28", "2025-11-25, 2025-11-25"] {
            assert!(is_served(good), "{good}");
        }
        for bad in ["", "1999-01-01", "2025-03-27", "latest", "2025-06-18,x", "9"] {
            assert!(!is_served(bad), "{bad}");
        }
    }

    #[test]
    fn each_revision_has_its_own_rules() {
        assert!(Revision::of("2025-03-26").has_batches());
        assert!(!Revision::of("2025-06-18").has_batches());
        assert!(Revision::of("2026-07-28").has_priming());
        assert!(!Revision::of("2025-06-18").has_priming());
        assert_eq!(Revision::of("zzz"), Revision::R20241105);
    }
}
