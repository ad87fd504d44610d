//! The revisions of MCP, and what each allows (specification, "Versioning").

/// A revision with the `initialize` handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// 2024-11-05, and everything unknown that is older.
    R20241105,
    /// 2025-03-26: Streamable HTTP, batches.
    R20250326,
    /// 2025-06-18: no batches, version header.
    R20250618,
    /// 2025-11-25: streams that the server may close and the client resumes.
    R20251125,
}

/// The revision without a handshake, in which each request says all that is needed to serve it.
pub const MODERN: &str = "2026-07-28";

/// Whether a peer opens with `initialize`, or says all in each request ("Terminology").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Era {
    /// 2025-11-25 and earlier.
    Legacy,
    /// 2026-07-28.
    Modern,
}

impl Era {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// Of which era the two sides of a process are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pairing {
    /// The clients that use it.
    pub clients: Era,
    /// The process.
    pub server: Era,
}

impl Pairing {
    /// Both have a handshake.
    pub const LEGACY: Self = Self { clients: Era::Legacy, server: Era::Legacy };
}

/// The newest revision with a handshake: what the proxy itself asks of a server.
pub const NEWEST_HANDSHAKE: &str = "2025-11-25";

impl Revision {
    /// The revision that a `protocolVersion` names; a newer one counts as the newest known.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name {
            "2025-03-26" => Self::R20250326,
            "2025-06-18" => Self::R20250618,
            newer if newer >= NEWEST_HANDSHAKE && is_date(newer) => Self::R20251125,
            _ => Self::R20241105,
        }
    }

    /// "receivers MUST accept batches": only in 2025-03-26, removed in 2025-06-18.
    #[must_use]
    pub fn has_batches(self) -> bool {
        self == Self::R20250326
    }

    /// Whether a stream may open with an event of empty data, which older clients trip over.
    #[must_use]
    pub fn has_priming(self) -> bool {
        self >= Self::R20251125
    }
}

/// Whether `MCP-Protocol-Version` is one to serve.
///
/// "If the server receives a request with an invalid or unsupported MCP-Protocol-Version, it MUST
/// respond with 400". Clients in the field send a newer date than they negotiated, or the header
/// twice, joined by a comma: both are served, because what counts was settled in `initialize`.
#[must_use]
pub fn is_served(header: &str) -> bool {
    header
        .split(',')
        .map(str::trim)
        .all(|name| has_handshake(name) || (is_date(name) && name >= NEWEST_HANDSHAKE))
}

/// Whether `name` is a revision with the `initialize` handshake, the one before the first release
/// included, which old servers still speak.
#[must_use]
pub fn has_handshake(name: &str) -> bool {
    matches!(name, "2024-10-07" | "2024-11-05" | "2025-03-26" | "2025-06-18" | NEWEST_HANDSHAKE)
}

/// Whether `header` names a revision without a handshake, or one that is not known at all.
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
