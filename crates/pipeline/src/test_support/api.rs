//! Cloudflare's API without sockets.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use purge_router_cloudflare::{Accepted, Credential, Meaning, Refusal, Target};
use purge_router_core::{Body, Mode};

use crate::api::PurgeApi;

/// Cloudflare. A zone without a set answer accepts.
#[derive(Debug, Default)]
pub(crate) struct Api {
    answers: Mutex<BTreeMap<String, Answer>>,
    requests: Mutex<Vec<Request>>,
}

/// A request as Cloudflare received it, and how long its sender waits for the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) token: String,
    pub(crate) items: usize,
    pub(crate) timeout: Duration,
}

#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Refuse(Meaning),
    Hang,
    /// Refuses any token but this one.
    OnlyToken(&'static str),
}

impl Api {
    pub(crate) fn answer(&self, zone_id: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(zone_id.to_owned(), answer);
    }

    pub(crate) fn accept(&self, zone_id: &str) {
        self.answers.lock().unwrap().remove(zone_id);
    }

    /// How many requests were received since the last call.
    pub(crate) fn take_requests(&self) -> usize {
        self.take().len()
    }

    /// The requests since the last call.
    pub(crate) fn take(&self) -> Vec<Request> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }
}

impl PurgeApi for &Api {
    async fn purge(
        &self,
        credential: &Credential,
        Target { zone_id, .. }: Target<'_>,
        _: Mode,
        body: &Body<'_>,
        timeout: Duration,
    ) -> Result<Accepted, Refusal> {
        let Credential::Token(token) = credential else { panic!("a token") };
        let items = serde_json::to_value(body).unwrap()["files"].as_array().unwrap().len();
        self.requests.lock().unwrap().push(Request { token: token.expose().to_owned(), items, timeout });
        let answer = self.answers.lock().unwrap().get(zone_id.as_str()).cloned();
        let refuse = |meaning| Err(Refusal { meaning, message: format!("{meaning:?}"), status: None, ray: None });
        // Let others run, as a request over the network would.
        tokio::time::sleep(Duration::from_millis(1)).await;
        match answer {
            None => Ok(Accepted { ray: None }),
            Some(Answer::OnlyToken(only)) if token.expose() == only => Ok(Accepted { ray: None }),
            Some(Answer::OnlyToken(_)) => refuse(Meaning::TokenRefused),
            Some(Answer::Refuse(meaning)) => refuse(meaning),
            Some(Answer::Hang) => {
                tokio::time::sleep(timeout).await;
                refuse(Meaning::Unreachable)
            }
        }
    }
}
