//! The display of an error and all its causes on one line.

use std::error::Error;
use std::fmt;

/// An error, displayed as `error: cause: cause of the cause`. Some libraries repeat a cause in their own
/// message, so a cause whose message was already shown is skipped.
pub struct Chain<'a>(pub &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let message = error.to_string();
            if !shown.contains(&message) {
                shown.push_str(": ");
                shown.push_str(&message);
            }
            cause = error.source();
        }
        f.write_str(&shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Told(&'static str, Option<Box<Told>>);

    impl fmt::Display for Told {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Told {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn p12_each_cause_is_said_once() {
        let chain = |texts: &[&'static str]| {
            let told =
                texts.iter().rev().fold(None, |cause, text| Some(Box::new(Told(text, cause))));
            Chain(&*told.unwrap()).to_string()
        };
        assert_eq!(chain(&["cannot read x", "No such file"]), "cannot read x: No such file");
        assert_eq!(
            chain(&["cannot read x: No such file", "No such file"]),
            "cannot read x: No such file"
        );
        assert_eq!(chain(&["a: c", "b", "c"]), "a: c: b");
        assert_eq!(chain(&["a", "a", "b", "b"]), "a: b");
    }
}
