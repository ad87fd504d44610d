//! A browser without a screen: cookies per host, forms, and navigation that can be looked at.

use std::collections::HashMap;

use reqwest::{Method, StatusCode, header};
use serde_json::Value;
use url::Url;

/// A page, or the step to one.
#[derive(Debug)]
pub struct Page {
    /// Where it was found.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: header::HeaderMap,
    /// Its text.
    pub body: String,
}

impl Page {
    /// Where it leads on its own: `Location`, or `Refresh`.
    pub fn next(&self) -> Option<Url> {
        let text = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        let refresh = text(header::REFRESH).and_then(|value| value.strip_prefix("0; url="));
        let target = text(header::LOCATION).or(refresh)?;
        Some(self.url.join(target).expect("a URL"))
    }

    /// The value of a hidden field of its first form.
    pub fn hidden(&self, name: &str) -> String {
        self.find_hidden(name).unwrap_or_else(|| panic!("no {name} in {}", self.body))
    }

    /// The same, or nothing if there is no such field.
    pub fn find_hidden(&self, name: &str) -> Option<String> {
        let mark = format!("name=\"{name}\" value=\"");
        let from = self.body.find(&mark)?;
        self.body[from + mark.len()..].split('"').next().map(str::to_owned)
    }
}

/// The body of a request.
#[derive(Clone, Copy)]
enum Body<'a> {
    None,
    Form(&'a [(&'a str, &'a str)]),
    Json(&'a Value),
}

/// The browser.
pub struct Browser {
    http: reqwest::Client,
    /// Hosts that are reached at another address: `host[:port]` → base URL.
    elsewhere: HashMap<String, String>,
    /// Cookies by host.
    pub cookies: HashMap<String, HashMap<String, String>>,
    /// Headers of every request. A navigation of the person, as if the address had been typed.
    pub headers: Vec<(&'static str, &'static str)>,
}

impl Browser {
    /// A browser on `http`, which must not follow redirects.
    pub fn new(http: reqwest::Client) -> Self {
        let headers = vec![
            ("Sec-Fetch-Site", "none"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document"),
        ];
        Self { http, elsewhere: HashMap::new(), cookies: HashMap::new(), headers }
    }

    /// The same browser, coming from a page of `site` (`Sec-Fetch-Site`).
    pub fn from_site(mut self, site: &'static str) -> Self {
        self.set_header("Sec-Fetch-Site", site);
        self
    }

    /// Sends `value` as header `name` from now on; an empty one not at all.
    pub fn set_header(&mut self, name: &'static str, value: &'static str) {
        self.headers.retain(|(other, _)| *other != name);
        if !value.is_empty() {
            self.headers.push((name, value));
        }
    }

    /// Reaches `authority` at `base`, as a reverse proxy would.
    pub fn reach(mut self, authority: &str, base: &str) -> Self {
        self.elsewhere.insert(authority.to_owned(), base.to_owned());
        self
    }

    /// Opens a URL.
    pub async fn get(&mut self, url: &Url) -> Page {
        self.send(Method::GET, url, Body::None).await
    }

    /// Sends a form.
    pub async fn post(&mut self, url: &Url, form: &[(&str, &str)]) -> Page {
        self.send(Method::POST, url, Body::Form(form)).await
    }

    /// Sends JSON, as a script of a page does.
    pub async fn send_json(&mut self, method: Method, url: &Url, json: &Value) -> Page {
        self.send(method, url, Body::Json(json)).await
    }

    /// Opens a URL. Fails if no whole answer comes.
    pub async fn try_get(&mut self, url: &Url) -> reqwest::Result<Page> {
        self.try_send(Method::GET, url, Body::None).await
    }

    /// Presses the button `decision` on a consent page.
    pub async fn decide(&mut self, page: &Page, decision: &str, login_code: &str) -> Page {
        self.try_decide(page, decision, login_code).await.expect("an answer")
    }

    /// The same. Fails if no whole answer comes.
    pub async fn try_decide(
        &mut self,
        page: &Page,
        decision: &str,
        login_code: &str,
    ) -> reqwest::Result<Page> {
        let (flow, csrf) = (page.hidden("flow"), page.hidden("csrf"));
        let form = [
            ("flow", flow.as_str()),
            ("csrf", csrf.as_str()),
            ("login_code", login_code),
            ("decision", decision),
        ];
        let url = page.url.join("/authorize/consent").expect("a URL");
        self.try_send(Method::POST, &url, Body::Form(&form)).await
    }

    /// Follows a page on its own way until the next URL starts with `end`; returns that one.
    pub async fn follow(&mut self, page: Page, end: &str) -> Url {
        let mut page = page;
        for _ in 0..10 {
            let next = page.next().unwrap_or_else(|| panic!("leads nowhere: {page:?}"));
            if next.as_str().starts_with(end) {
                return next;
            }
            page = self.get(&next).await;
        }
        panic!("too many steps");
    }

    async fn send(&mut self, method: Method, url: &Url, body: Body<'_>) -> Page {
        self.try_send(method, url, body).await.expect("an answer")
    }

    async fn try_send(
        &mut self,
        method: Method,
        url: &Url,
        body: Body<'_>,
    ) -> reqwest::Result<Page> {
        let host = url.host_str().expect("a host").to_owned();
        let authority = url.authority().to_owned();
        let is_form = method == Method::POST;
        let mut request = match self.elsewhere.get(&authority) {
            Some(base) => {
                let there = Url::parse(base).expect("a URL");
                let there = there.join(&url[url::Position::BeforePath..]).expect("a URL");
                self.http.request(method, there).header(header::HOST, &authority)
            }
            None => self.http.request(method, url.clone()),
        };
        for (name, value) in &self.headers {
            // A form is on a page: it is never submitted by an address that was typed.
            let is_typed = (*name, *value) == ("Sec-Fetch-Site", "none");
            let value = if is_typed && is_form { "same-origin" } else { *value };
            request = request.header(*name, value);
        }
        if let Some(jar) = self.cookies.get(&host) {
            let pairs: Vec<String> = jar.iter().map(|(k, v)| format!("{k}={v}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        request = match body {
            Body::None => request,
            Body::Form(form) => request.form(form),
            Body::Json(json) => request.json(json),
        };
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        for cookie in headers.get_all(header::SET_COOKIE) {
            let text = cookie.to_str().expect("text");
            let (name, value) = text.split(';').next().expect("a pair").split_once('=').expect("=");
            let jar = self.cookies.entry(host.clone()).or_default();
            if text.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = answer.text().await?;
        Ok(Page { url: url.clone(), status, headers, body })
    }
}
