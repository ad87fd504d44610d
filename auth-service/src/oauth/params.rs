//! Request parameters (RFC 6749 §3.1, §3.2).
//!
//! Parameters are form-encoded and may appear once. An empty parameter counts as absent.

use url::form_urlencoded;

use super::Error;

/// The non-empty parameters of a query or form, in the order they were sent.
#[derive(Debug, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Parses a form-encoded query or body.
    #[must_use]
    pub fn parse(encoded: &[u8]) -> Self {
        // "Parameters sent without a value MUST be treated as if they were omitted".
        let pairs = form_urlencoded::parse(encoded).filter(|(_, value)| !value.is_empty());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// Returns the value of `name`, or an error if the parameter is repeated.
    pub fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, Error> {
        let mut values = self.many(name);
        let first = values.next();
        // "Request and response parameters MUST NOT be included more than once."
        match values.next() {
            None => Ok(first),
            Some(_) => Err(Error::InvalidRequest("a parameter is included more than once")),
        }
    }

    /// Returns the value of `name`, or an error with the message `missing`.
    pub fn required<'a>(&'a self, name: &'a str, missing: &'static str) -> Result<&'a str, Error> {
        self.one(name)?.ok_or(Error::InvalidRequest(missing))
    }

    /// Returns all values of `name`, for parameters that may be repeated (`resource`, RFC 8707 §2).
    pub fn many<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused_and_an_empty_one_is_absent() {
        let params = Params::parse(b"a=1&b=&c=x%20y&a=2");
        assert!(matches!(params.one("a"), Err(Error::InvalidRequest(_))));
        assert_eq!(params.one("b").unwrap(), None);
        assert_eq!(params.one("c").unwrap(), Some("x y"));
        assert_eq!(params.many("a").count(), 2);
    }
}
