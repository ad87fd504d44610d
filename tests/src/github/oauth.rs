//! The authorization and token endpoints.

use std::{collections::HashMap, sync::Mutex};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    FakeGitHub, Mood,
    state::{Code, Grant, State},
};

fn params(encoded: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

pub(super) async fn authorize(state: Data<Mutex<State>>, request: HttpRequest) -> HttpResponse {
    let query = params(request.query_string().as_bytes());
    let mut state = state.lock().expect("state");
    assert_eq!(query["client_id"], FakeGitHub::CLIENT.0);
    assert_eq!(query["code_challenge_method"], "S256");
    let mut back = url::Url::parse(&query["redirect_uri"]).expect("a redirect URI");
    if matches!(state.mood, Some(Mood::Denies)) {
        let error = [("error", "access_denied"), ("error_description", "The user has denied")];
        back.query_pairs_mut().extend_pairs(error);
    } else if let Some(Mood::SendsBack(error)) = state.mood {
        back.query_pairs_mut().append_pair("error", error);
    } else {
        let code = state.issue("gh-code-");
        back.query_pairs_mut().append_pair("code", &code);
        let scopes = query["scope"].split(' ').map(str::to_owned).collect();
        let grant = Grant { account: state.current, scopes };
        state.codes.insert(code, Code { challenge: query["code_challenge"].clone(), grant });
    }
    back.query_pairs_mut().append_pair("state", &query["state"]);
    HttpResponse::Found().insert_header(("Location", back.as_str())).finish()
}

/// Errors have the status 200.
pub(super) async fn token(
    state: Data<Mutex<State>>,
    request: HttpRequest,
    body: Bytes,
) -> HttpResponse {
    let pause = state.lock().expect("state").hesitation;
    actix_web::rt::time::sleep(pause).await;
    let form = params(&body);
    let basic = request.headers().get("Authorization").and_then(|v| v.to_str().ok());
    let expected =
        BASE64_STANDARD.encode(format!("{}:{}", FakeGitHub::CLIENT.0, FakeGitHub::CLIENT.1));
    let mut state = state.lock().expect("state");
    state.forms.push(String::from_utf8_lossy(&body).into_owned());
    let reply = state.replies.get("/login/oauth/access_token").cloned();
    match (&state.mood, reply) {
        (_, Some(reply)) => return reply.response(),
        (Some(Mood::IsDown), _) => return HttpResponse::BadGateway().body("<h1>Unicorn</h1>"),
        (Some(Mood::RefusesCode), _) => return error("bad_verification_code"),
        (Some(Mood::Refuses(code)), _) => return error(code),
        _ => {}
    }
    if basic != Some(&format!("Basic {expected}")) {
        return error("incorrect_client_credentials");
    }
    let granted = match form.get("grant_type").map(String::as_str) {
        Some("authorization_code") => redeem(&mut state, &form),
        Some("refresh_token") => refresh(&mut state, &form),
        _ => Err("unsupported_grant_type"),
    };
    match granted {
        Ok(grant) => HttpResponse::Ok().json(issue(&mut state, &grant)),
        Err(code) => error(code),
    }
}

fn error(code: &str) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "error": code }))
}

fn redeem(state: &mut State, form: &HashMap<String, String>) -> Result<Grant, &'static str> {
    let code = form.get("code").and_then(|code| state.codes.remove(code));
    let verifier = form.get("code_verifier").map_or("", String::as_str);
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let computed = BASE64_URL_SAFE_NO_PAD.encode(hash);
    let code = code.filter(|code| code.challenge == computed);
    code.map(|code| code.grant).ok_or("bad_verification_code")
}

/// A refresh ends both previous tokens.
fn refresh(state: &mut State, form: &HashMap<String, String>) -> Result<Grant, &'static str> {
    let token = form.get("refresh_token").map_or("", String::as_str);
    let grant = state.refresh_tokens.remove(token).ok_or("bad_refresh_token")?;
    state.tokens.retain(|_, other| other.account != grant.account);
    Ok(grant)
}

fn issue(state: &mut State, grant: &Grant) -> Value {
    // The prefixes are those of OAuth apps and of GitHub Apps.
    let access = state.issue(if state.expires { "ghu_" } else { "gho_" });
    state.tokens.insert(access.clone(), grant.clone());
    let mut answer = json!({
        "access_token": access, "token_type": "bearer", "scope": grant.scopes.join(","),
    });
    if state.expires {
        let refresh = state.issue("ghr_");
        state.refresh_tokens.insert(refresh.clone(), grant.clone());
        answer["expires_in"] = json!(28_800);
        answer["refresh_token"] = json!(refresh);
        answer["refresh_token_expires_in"] = json!(15_811_200);
    }
    answer
}
