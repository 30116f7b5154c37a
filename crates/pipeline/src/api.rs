//! The API that the pipeline sends to, as a trait: tests and simulations answer in Cloudflare's place, without sockets.

use std::future::Future;
use std::time::Duration;

use purge_router_cloudflare::{Accepted, Client, Credential, Refusal, Target};
use purge_router_core::{Body, Mode};

/// Sends one purge request.
pub trait PurgeApi: Send + Sync {
    /// Purges or invalidates what the body names. It returns within `timeout`, and never retries.
    fn purge(
        &self,
        credential: &Credential,
        target: Target<'_>,
        mode: Mode,
        body: &Body<'_>,
        timeout: Duration,
    ) -> impl Future<Output = Result<Accepted, Refusal>> + Send;
}

impl PurgeApi for Client {
    async fn purge(
        &self,
        credential: &Credential,
        target: Target<'_>,
        mode: Mode,
        body: &Body<'_>,
        timeout: Duration,
    ) -> Result<Accepted, Refusal> {
        self.send(credential, target, mode, body, timeout).await
    }
}
