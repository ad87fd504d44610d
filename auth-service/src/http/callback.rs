//! Handler of `GET /callback` and `GET /callback/NAME`: the return of the browser from a login provider.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::{
    account::sign_in,
    authorize::{finish, shown, to_the_end},
    browser,
    error::BrowserError,
    page,
};
use crate::oauth::{
    AuthServer, AuthorizeError, Error, Next, Params, ProviderAnswer, ProviderReturn, SignInReturn,
};

/// Finishes the login. Removes the pending authorization from the browser when it ends or cannot succeed. Otherwise it
/// stays, so that a reload of the same URL continues the flow.
pub(super) async fn callback(
    server: Data<AuthServer>,
    request: HttpRequest,
) -> Result<HttpResponse, BrowserError> {
    let params = Params::parse(request.query_string().as_bytes());
    let (state, answer, iss) = ProviderAnswer::read(&params)?;
    let pending = browser::pending(&request, &state);
    let browser = browser::browser(&server, &request).map_err(Error::from)?;
    let session = browser.session.clone();
    // The callback without a name is that of GitHub.
    let provider = request.match_info().get("provider").unwrap_or("github").to_owned();
    if let Some(sign_in) =
        pending.as_ref().and_then(|sealed| server.accounts.pending_sign_in(sealed))
    {
        let back = SignInReturn { provider, state, answer, iss };
        return sign_in::finish(&server, &request, (sign_in, back), browser).await;
    }
    let back = ProviderReturn { provider, state: state.clone(), answer, iss, pending };
    let finisher = server.clone();
    let returned =
        to_the_end(async move { finisher.flow.finish_login(back, &browser).await }).await?;
    Ok(match returned {
        Ok(Next::Page(consent)) => {
            let response = shown(&request, &consent, &session);
            let response = browser::forget_pending(response, &request, &state);
            browser::keep_pending(response, &state, &consent.flow)
        }
        Ok(Next::Provider(visit)) => {
            browser::set_pending(page::redirect(&visit.url), &request, &visit)
        }
        Ok(Next::Done(outcome)) => {
            let response = finish(&server, &request, &outcome, |_, url| page::redirect(url));
            browser::forget_pending(response, &request, &state)
        }
        Err(error @ AuthorizeError::Page(_)) => {
            let response = HttpResponse::from_error(BrowserError::from(error));
            browser::forget_pending(response, &request, &state)
        }
        Err(error) => HttpResponse::from_error(BrowserError::from(error)),
    })
}
