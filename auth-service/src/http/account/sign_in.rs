//! Sign-in to the pages of this server, and sign-out.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::{
    forms::{FOREIGN, own_form},
    guard::{Checked, answered},
};
use crate::{
    http::{
        authorize::to_the_end,
        body::Body,
        browser,
        error::{BrowserError, TokenError},
        page::{self, account::SignInPage},
    },
    model::{LoginCode, Prompt},
    oauth::{
        AuthServer, BrowserContext, Error, Params, PendingSignIn, ReturnPath, SignInReturn,
        SignedIn,
    },
};

/// Shows the ways to sign in.
pub(in crate::http) async fn show(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    answered(
        async {
            let params = Params::parse(request.query_string().as_bytes());
            let browser = browser::browser(&server, &request).map_err(Error::from)?;
            let mut page = sign_in_page(&server, &params, &browser)?;
            page.is_again = params.one("again")?.is_some();
            page.signed_out = params.one("signed_out")?.is_some();
            let response = page::account::sign_in(&request, &page);
            Ok(browser::set_session(response, &browser.session))
        }
        .await,
    )
}

fn sign_in_page(
    server: &AuthServer,
    params: &Params,
    browser: &BrowserContext,
) -> Result<SignInPage, Error> {
    Ok(SignInPage {
        csrf: server.core.sign_in_csrf(browser),
        ways: server.core.ways(),
        return_to: ReturnPath::parse(params.one("return_to")?),
        is_again: params.one("again")?.is_some(),
        signed_out: false,
        refused: None,
        wrong_code: false,
    })
}

/// Handles the form: sends the person to a login provider, or signs them in with a code of the operator.
pub(in crate::http) async fn submit(
    server: Data<AuthServer>,
    request: HttpRequest,
    body: Result<Body, TokenError>,
) -> HttpResponse {
    answered(submitted(&server, &request, body).await)
}

async fn submitted(
    server: &Data<AuthServer>,
    request: &HttpRequest,
    body: Result<Body, TokenError>,
) -> Checked<HttpResponse> {
    let form = own_form(server, request, body)?;
    let browser = browser::browser(server, request).map_err(Error::from)?;
    if !server.core.is_own_sign_in_form(&browser, form.one("csrf")?.unwrap_or("")) {
        return Err(FOREIGN.into());
    }
    let return_to = ReturnPath::parse(form.one("return_to")?);
    if let Some(name) = form.one("provider")? {
        let prompt = match (form.one("again")?, form.one("switch")?) {
            (Some(_), _) => Prompt::Login,
            (None, Some(_)) => Prompt::SelectAccount,
            (None, None) if browser.was_refused => Prompt::SelectAccount,
            (None, None) => Prompt::Needed,
        };
        let visit = server.accounts.start_sign_in(name, (return_to, prompt), &browser).await?;
        let response = page::go_on(request, &visit.url);
        return Ok(browser::set_pending(response, request, &visit));
    }
    let code = LoginCode::typed(form.one("login_code")?.unwrap_or(""));
    let (service, context) = (server.clone(), browser.clone());
    let signed =
        to_the_end(
            async move { service.accounts.sign_in_with_code(&code, return_to, &context).await },
        );
    match signed.await? {
        Ok(Some(signed)) => Ok(signed_in(server, request, &signed)),
        Ok(None) => {
            let page = SignInPage { wrong_code: true, ..sign_in_page(server, &form, &browser)? };
            let response = page::account::sign_in(request, &page);
            Ok(browser::set_session(response, &browser.session))
        }
        Err(error) => Ok(refused(server, request, &browser, error)?),
    }
}

/// Finishes a sign-in at a login provider.
pub(in crate::http) async fn finish(
    server: &Data<AuthServer>,
    request: &HttpRequest,
    (pending, back): (PendingSignIn, SignInReturn),
    browser: BrowserContext,
) -> Result<HttpResponse, BrowserError> {
    let state = back.state.clone();
    let (service, context) = (server.clone(), browser.clone());
    let signed =
        to_the_end(async move { service.accounts.finish_sign_in(pending, back, &context).await });
    let response = match signed.await? {
        Ok(signed) => signed_in(server, request, &signed),
        Err(error) => refused(server, request, &browser, error)?,
    };
    Ok(browser::forget_pending(response, request, &state))
}

fn signed_in(server: &AuthServer, request: &HttpRequest, signed: &SignedIn) -> HttpResponse {
    let response = page::redirect(signed.return_to.as_str());
    let response = browser::forget_refused(response, request);
    browser::set_login(response, &signed.login, server.core.config.lifetimes.login_session)
}

/// Shows the page again for an account that the policy denies. Other errors have a page of their own.
fn refused(
    server: &AuthServer,
    request: &HttpRequest,
    browser: &BrowserContext,
    error: Error,
) -> Result<HttpResponse, Error> {
    let Error::NotAllowed(name) = error else { return Err(error) };
    let params = Params::default();
    let page = SignInPage { refused: Some(name), ..sign_in_page(server, &params, browser)? };
    let response = browser::set_session(page::account::sign_in(request, &page), &browser.session);
    Ok(browser::set_refused(response))
}

/// Signs the browser out.
pub(in crate::http) async fn sign_out(
    server: Data<AuthServer>,
    request: HttpRequest,
    body: Result<Body, TokenError>,
) -> HttpResponse {
    answered(
        async {
            let viewer = super::guard::signed_in(&server, &request).await?;
            super::forms::fields(&server, &request, &viewer, body)?;
            server.accounts.sign_out(&viewer).await?;
            Ok(browser::forget_login(page::redirect("/sign-in?signed_out=1")))
        }
        .await,
    )
}
