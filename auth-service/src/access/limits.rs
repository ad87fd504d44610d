//! Limits of the policy file. A file that exceeds one is rejected, so that evaluation and identity headers stay
//! small.

/// The largest size of the file in bytes.
pub const FILE: usize = 256 * 1024;
/// The largest number of rules.
pub const RULES: usize = 500;
/// The largest number of roles.
pub const ROLES: usize = 200;
/// The largest number of expectations in all tests together.
pub const EXPECTATIONS: usize = 2_000;
/// The largest number of strings in one list.
pub const LIST: usize = 500;
/// The largest number of strings in all lists of rules, roles and `login` together.
pub const STRINGS: usize = 10_000;
/// The largest size of one string in bytes.
pub const STRING: usize = 512;
/// The number of levels to which roles may nest. A role without roles in it has one level.
pub const ROLE_LEVELS: usize = 4;
/// The largest number of tool patterns that allow, or that deny, at one server.
pub const TOOL_PATTERNS: usize = 32;
/// The largest size of these patterns in bytes, which become part of the signed identity.
pub const TOOL_BYTES: usize = 1024;
/// The largest number of organizations, teams or groups in the facts of one person.
pub const FACTS: usize = 1_000;
