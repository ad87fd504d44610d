//! The placeholder `{user}` in an entry, which gives each user a directory or file of their own, whatever
//! their id.

use std::fmt::Write as _;

use super::ProgramConfig;

const USER: &str = "{user}";

/// Escapes a user id for use in a path. Letters, digits and hyphens stay; every other byte becomes `_` and
/// two hexadecimal digits. The mapping is injective, and no result can name another directory.
fn escape(user: &str) -> String {
    user.bytes().fold(String::with_capacity(user.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _written = write!(escaped, "_{byte:02x}");
        }
        escaped
    })
}

impl ProgramConfig {
    /// Returns `true` if the program has placeholders for the user.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        let cwd = self.cwd.as_ref().and_then(|cwd| cwd.to_str());
        let texts = self.args.iter().chain(self.env.values()).map(String::as_str);
        texts.chain(cwd).any(|text| text.contains(USER))
    }

    /// Returns the program with the placeholders filled in for `user`.
    #[must_use]
    pub fn personal(&self, user: &str) -> Self {
        let user = escape(user);
        let fill = |text: &String| text.replace(USER, &user);
        Self {
            args: self.args.iter().map(fill).collect(),
            env: self.env.iter().map(|(name, value)| (name.clone(), fill(value))).collect(),
            cwd: self.cwd.as_ref().map(|cwd| fill(&cwd.to_string_lossy().into_owned()).into()),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_stay_apart_and_inside_their_directory() {
        assert_eq!(escape("github:42"), "github_3a42");
        assert_eq!(escape("../../etc"), "_2e_2e_2f_2e_2e_2fetc");
        assert_ne!(escape("a_3a"), escape("a:"));
        let mut program =
            ProgramConfig { args: vec!["--dir={user}".into()], ..ProgramConfig::default() };
        assert!(program.is_personal());
        assert_eq!(program.personal("é").args, ["--dir=_c3_a9"]);
        program.args.clear();
        assert!(!program.is_personal());
        program.cwd = Some("/data/{user}/x".into());
        assert_eq!(program.personal("a").cwd, Some("/data/a/x".into()));
    }
}
