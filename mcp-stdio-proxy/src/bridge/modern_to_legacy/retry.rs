//! Resumption of a call by a client of 2026-07-28 that brings the answers to the server's questions. The original
//! call continues (MCP "Multi Round-Trip Requests").

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::bridge::ModernToLegacy;
use crate::access::grants::Admission;
use crate::bridge::requests::SETTLING;
use crate::bridge::suspended::{Answers, Binding, ResumeError, SuspendedCall};
use crate::instances::bridge::{Resumption, Retry};
use crate::messages::error::{self, RpcError};
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope};
use crate::messages::stream::First;
use crate::messages::translate::input::{Question, required, response};
use crate::messages::translate::log;
use crate::process::call::RetryRequest;

impl From<ResumeError> for RpcError {
    fn from(why: ResumeError) -> Self {
        Self::invalid_params(why.to_string())
    }
}

impl ModernToLegacy {
    /// Resumes the call that the `requestState` of `retry` names.
    pub(super) async fn resume_call(&self, retry: Retry<'_>) -> Result<Resumption, RpcError> {
        let Retry { text, envelope, asked, .. } = &retry;
        let state = asked.state().unwrap_or_default();
        let responses = asked.responses().unwrap_or("{}");
        let params = envelope.params.unwrap_or_default();
        let user = self.connection.key.user.as_deref();
        let binding = Binding::new(user, &envelope.method, params);
        let fits = |questions: &[Question]| {
            questions.iter().all(|one| {
                response(responses, &one.key).is_none_or(|answer| one.kind.is_answered_by(answer))
            })
        };
        let mut suspended = self.suspended.redeem(&state, &binding, fits)?;
        let (answered, open): (Vec<_>, Vec<_>) = std::mem::take(&mut suspended.questions)
            .into_iter()
            .partition(|one| response(responses, &one.key).is_some());
        if !open.is_empty() {
            forward(&suspended, &answered, responses);
            return self.ask_again(suspended, open, envelope);
        }
        if let Some(over) = retry.admission.and_then(Admission::over) {
            suspended.give_up();
            return Err(RpcError::new(error::TRANSPORT, over.to_string()));
        }
        let (process, id) = (Arc::clone(&suspended.process), suspended.call);
        if !process.calls.resume(id, resumed(&retry)) {
            return ended(&suspended, envelope.id);
        }
        forward(&suspended, &answered, responses);
        if suspended.retry().is_some_and(|retry| retry.is_unsent) {
            tokio::time::sleep(SETTLING).await;
            process.post(self.request(id, text, envelope));
        }
        process.settle(id, retry.admission);
        Ok(Resumption::Call { process, id })
    }

    /// Suspends a call again, since its client has not answered all questions.
    fn ask_again(
        &self,
        suspended: SuspendedCall,
        open: Vec<Question>,
        envelope: &Envelope<'_>,
    ) -> Result<Resumption, RpcError> {
        let SuspendedCall { process, call, answers, .. } = suspended;
        let Answers::Retry(retry) = answers else { return Err(ResumeError::Lost.into()) };
        let asked = open.clone();
        let client = (retry.binding, retry.stream);
        let again = self.suspended.suspend((process, call), open, client, retry.is_unsent);
        let state = again.map_err(|suspended| {
            suspended.give_up();
            RpcError::internal("too many requests wait for their clients")
        })?;
        Ok(Resumption::Response(required(envelope.id, &asked, Some(&state)).into()))
    }
}

fn resumed(retry: &Retry<'_>) -> RetryRequest {
    RetryRequest {
        id: retry.envelope.id.into(),
        token: retry.envelope.params.and_then(message::asked_progress).map(Into::into),
        stream: Arc::clone(retry.stream),
        log: retry.asked.log_level().and_then(log::level),
        admission: retry.admission.cloned(),
    }
}

/// Forwards the answers to the server that asked for them.
fn forward(suspended: &SuspendedCall, answered: &[Question], responses: &str) {
    for question in answered {
        let Some(answer) = response(responses, &question.key) else { continue };
        let text = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{answer}}}"#, question.id);
        suspended.process.post(JsonEdit::of(&text).input());
    }
}

/// Returns the response to a call that completed while it was suspended.
fn ended(suspended: &SuspendedCall, id: &str) -> Result<Resumption, RpcError> {
    let retry = suspended.retry().ok_or(ResumeError::Lost)?;
    let first = retry.stream.poll_first(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(First::Answer(payload)) = first else { return Err(ResumeError::Lost.into()) };
    let line = Line::new(payload.to_bytes()).ok_or(ResumeError::Lost)?;
    let envelope = message::parse(line.text()).map_err(|_| ResumeError::Lost)?;
    let edit = JsonEdit::of(line.text()).replace(envelope.id, id);
    Ok(Resumption::Response(edit.payload(&line)))
}
