//! The query of a page with a list.

use actix_web::HttpRequest;

use super::notice::Notice;
use crate::{
    http::page::account::ListOf,
    model::UnixTime,
    oauth::{AuthServer, Error, Params, Viewer},
    store::{Cursor, Page},
};

/// The query of a page with a list: its position, its search, and the outcome of the form before it.
pub(in crate::http) struct ListQuery {
    params: Params,
    notice: Option<Notice>,
    now: UnixTime,
}

impl ListQuery {
    /// Reads the query of a request of `viewer`.
    pub(in crate::http) fn read(
        server: &AuthServer,
        request: &HttpRequest,
        viewer: &Viewer,
    ) -> Result<Self, Error> {
        let params = Params::parse(request.query_string().as_bytes());
        let notice = Notice::read(&params, viewer)?;
        Ok(Self { params, notice, now: server.core.clock.now() })
    }

    /// Returns the position in the list. A malformed one is the beginning.
    pub(in crate::http) fn after(&self) -> Result<Option<Cursor>, Error> {
        Ok(self.params.one("after")?.and_then(|text| text.parse().ok()))
    }

    /// Returns the text of the search field `name`.
    pub(in crate::http) fn search(&self, name: &str) -> Result<String, Error> {
        Ok(self.params.one(name)?.unwrap_or("").trim().to_owned())
    }

    /// Returns the list with the entries of `page`.
    pub(in crate::http) fn list<T>(self, page: Page<T>) -> ListOf<T> {
        ListOf { page, notice: self.notice, now: self.now }
    }
}
