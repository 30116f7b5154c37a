//! One request to Cloudflare, from the client's point of view.

use std::sync::Arc;
use std::time::Duration;

use purge_router_cloudflare::{Accepted, Credential, Refusal};
use purge_router_core::names::CloudflareId;
use purge_router_core::{Body, Mode};
use purge_router_pipeline::PurgeApi;
use tokio::time::sleep;

use super::answer::{Answer, refusal};
use super::network::Mishap;
use super::server::Cloudflare;
use crate::event::Refused;
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
        zone_id: &CloudflareId,
        _: Mode,
        body: &Body<'_>,
        timeout: Duration,
    ) -> Result<Accepted, Refusal> {
        let server = &self.0;
        let Some(zone) = Cloudflare::zone(zone_id) else { return Err(refusal(Refused::Zone, None, false)) };
        let token = match credential {
            Credential::Token(token) => token_of_secret(token.expose()),
            Credential::GlobalKey { .. } => None,
        };
        let body = serde_json::to_value(body).unwrap_or_default();
        let journey = server.journey(zone);
        if journey.there >= timeout {
            sleep(timeout).await;
            return Err(refusal(Refused::NoAnswer, None, false));
        }
        sleep(journey.there).await;
        let answer = server.receive(zone, token, &body, journey.mishap);
        let left = timeout - journey.there;
        if answer == Answer::Silence || journey.back >= left {
            sleep(left).await;
            return Err(refusal(Refused::NoAnswer, None, false));
        }
        sleep(journey.back).await;
        match answer {
            _ if journey.mishap == Some(Mishap::AnswerLost) => Err(refusal(Refused::NoAnswer, None, false)),
            Answer::Accepted => Ok(Accepted { ray: None }),
            Answer::Refused(reason, retry_after) => Err(refusal(reason, retry_after, false)),
            Answer::AllCallsBlocked => Err(refusal(Refused::Limited, None, true)),
            Answer::Silence => Err(refusal(Refused::NoAnswer, None, false)),
        }
    }
}
