//! The line at the top of a page that says what a form has done.
//!
//! The redirect after the form carries it in the query, with a tag that depends on the sign-in: a link from elsewhere
//! cannot put words on a page.

use url::form_urlencoded;

use crate::oauth::{Error, Params, Viewer};

/// The outcome of a form, for the page that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct Notice {
    /// The kind, such as `disconnected`.
    pub(in crate::http) kind: String,
    /// The name of what it was done to, or a number.
    pub(in crate::http) what: String,
}

impl Notice {
    pub(in crate::http) fn new(kind: &str, what: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), what: what.into() }
    }

    /// Returns the URL of the page at `path` with this notice.
    pub(in crate::http) fn at(&self, path: &str, viewer: &Viewer) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let tag = viewer.tag(&self.text());
        query.append_pair("done", &self.kind).append_pair("what", &self.what);
        let query = query.append_pair("tag", &tag).finish();
        let mark = if path.contains('?') { '&' } else { '?' };
        format!("{path}{mark}{query}")
    }

    /// Returns the notice in the query of a page.
    pub(in crate::http) fn read(params: &Params, viewer: &Viewer) -> Result<Option<Self>, Error> {
        let (Some(kind), Some(tag)) = (params.one("done")?, params.one("tag")?) else {
            return Ok(None);
        };
        let notice = Self::new(kind, params.one("what")?.unwrap_or(""));
        Ok((viewer.tag(&notice.text()) == tag).then_some(notice))
    }

    fn text(&self) -> String {
        format!("{}\n{}", self.kind, self.what)
    }
}
