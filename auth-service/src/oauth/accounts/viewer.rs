//! The person behind a request for a page.

use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{
    model::{Actor, Caller, Fingerprint, SignInPlace, User},
    oauth::{
        Accounts, BrowserContext, Core, Error, People,
        people::{Admission, Checked},
    },
};

/// The age up to which a sign-in is fresh.
const FRESH: Duration = Duration::from_mins(10);

/// The person who views a page.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The person.
    pub user: User,
    /// The fingerprint of the cookie of the login session.
    pub session: Fingerprint,
    /// The time and place of the sign-in, if it is known.
    pub place: Option<SignInPlace>,
    /// `true` if the policy allows the person to log in. Otherwise the answer of the login provider is awaited, and
    /// the person may only end what they have.
    pub may_log_in: bool,
    /// `true` if the person signed in within the last ten minutes.
    pub is_fresh: bool,
    /// `true` if `ADMIN_USERS` names the person.
    pub is_administrator: bool,
    /// The CSRF token of the forms.
    pub csrf: String,
    /// The sender of the request.
    pub caller: Caller,
}

impl Core {
    /// Returns `true` if `ADMIN_USERS` names the person with this subject.
    #[must_use]
    pub fn is_administrator(&self, subject: &str) -> bool {
        self.config.pages.administrators.iter().any(|one| one == subject)
    }

    /// Returns the CSRF token of the forms of a browser with this cookie.
    pub(super) fn csrf(&self, purpose: &str, cookie: &str) -> String {
        let tag = hmac::sign(&self.forms_key, format!("{purpose}\n{cookie}").as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref())
    }
}

impl Viewer {
    /// Returns the person as the one who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Request(Some(self.user.clone()), self.caller.clone())
    }

    /// Returns a value that depends on `text` and on the sign-in, for links that only this server makes.
    #[must_use]
    pub fn tag(&self, text: &str) -> String {
        Fingerprint::of(&format!("{}\n{text}", self.csrf)).as_str().to_owned()
    }

    /// Returns `true` if a form of this person returned `csrf`.
    #[must_use]
    pub fn is_own_form(&self, csrf: &str) -> bool {
        is_same(&self.csrf, csrf)
    }
}

/// Compares in constant time.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

impl Accounts {
    /// Returns the person who is signed in, or `None` if nobody is, or if the person may not log in any more.
    pub async fn viewer(&self, browser: &BrowserContext) -> Result<Option<Viewer>, Error> {
        let Some(cookie) = &browser.login else { return Ok(None) };
        let now = self.core.now();
        let Some(record) = self.core.store.logins.session(cookie, now).await? else {
            return Ok(None);
        };
        let checked = People::of(&self.core).check_if_due(&record.user.subject).await?;
        let admission = self.core.admission(&record.user, None, &[]).await?;
        if admission == Admission::Denied || checked == Checked::Ended {
            return Ok(None);
        }
        let is_fresh = record.place.as_ref().is_some_and(|place| now < place.at.plus(FRESH));
        Ok(Some(Viewer {
            is_administrator: self.core.is_administrator(&record.user.subject),
            may_log_in: admission.is_allowed() && checked == Checked::Done,
            csrf: self.core.csrf("form", cookie.reveal()),
            session: cookie.fingerprint(),
            place: record.place,
            user: record.user,
            is_fresh,
            caller: browser.caller.clone(),
        }))
    }
}
