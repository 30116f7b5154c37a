//! One request to Cloudflare, from the client's point of view.

use std::sync::Arc;
use std::time::Duration;

use purge_router_cloudflare::{Accepted, Credential, Meaning, Refusal, Target, read_answer};
use purge_router_core::{Body, Mode};
use purge_router_pipeline::PurgeApi;
use tokio::time::sleep;

use super::answer::{self, Answer, CUT_OFF, SUCCESS};
use super::network::Mishap;
use super::server::Cloudflare;
use crate::call::{Call, Callee};
use crate::ssm::token_of_secret;

/// Cloudflare's API, for one instance.
#[derive(Clone)]
pub(crate) struct SimApi(pub(crate) Arc<Cloudflare>);

impl std::fmt::Debug for SimApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimApi")
    }
}

impl PurgeApi for SimApi {
    async fn purge(
        &self,
        credential: &Credential,
        Target { zone_id, environment }: Target<'_>,
        mode: Mode,
        body: &Body<'_>,
        timeout: Duration,
    ) -> Result<Accepted, Refusal> {
        let server = &self.0;
        let token = match credential {
            Credential::Token(token) => token_of_secret(token.expose()),
            Credential::GlobalKey { .. } => None,
        };
        let body = serde_json::to_value(body).unwrap_or_default();
        let Some(zone) = server.zone(zone_id) else { return Err(unreachable()) };
        let items = body.as_object().and_then(|fields| fields.values().next()?.as_array()).map_or(1, Vec::len);
        let content = (credential, environment, mode, &body);
        server.trace.note_call(|| Call::new(Callee::Cloudflare(zone), items, timeout, &content));
        let journey = server.journey(zone);
        if journey.to_cloudflare >= timeout {
            sleep(timeout).await;
            return Err(unreachable());
        }
        sleep(journey.to_cloudflare).await;
        let answer = server.receive(zone, token, &body, journey.mishap);
        let left = timeout - journey.to_cloudflare;
        if answer == Answer::Silence || journey.to_function >= left {
            sleep(left).await;
            return Err(unreachable());
        }
        sleep(journey.to_function).await;
        let is_accepted = answer == Answer::Accepted;
        let answer = match answer {
            _ if is_accepted && journey.mishap == Some(Mishap::AnswerLost) => Err(unreachable()),
            _ if is_accepted && journey.mishap == Some(Mishap::CutOff) => read_answer(credential, 200, None, CUT_OFF),
            Answer::Accepted => read_answer(credential, 200, None, SUCCESS),
            Answer::Refused(answer::Refusal { status, retry_after, body, .. }) => {
                read_answer(credential, status, retry_after, body)
            }
            Answer::Reset | Answer::Silence => Err(unreachable()),
        };
        // The same for all requests of a zone, so that the ledgers of two runs are equal.
        let ray = Some(format!("ray-of-zone-{zone}"));
        match answer {
            Ok(_) => Ok(Accepted { ray }),
            Err(refusal) => Err(Refusal { ray: ray.filter(|_| refusal.meaning != Meaning::Unreachable), ..refusal }),
        }
    }
}

/// What the client reports without an answer.
fn unreachable() -> Refusal {
    Refusal { meaning: Meaning::Unreachable, message: "no answer".to_owned(), status: None, ray: None }
}
