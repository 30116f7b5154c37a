//! Cloudflare's edge, as a trait: tests answer in its place.

use std::future::Future;
use std::time::Duration;

use purge_router_cloudflare::EdgeClient;
use purge_router_core::EdgeResponse;

/// Asks the edge what it serves.
pub trait Edge: Send + Sync {
    /// The response for a URL. It returns within `timeout`. Errors are for logs.
    fn head(&self, url: &str, timeout: Duration) -> impl Future<Output = Result<EdgeResponse, String>> + Send;
}

impl Edge for EdgeClient {
    async fn head(&self, url: &str, timeout: Duration) -> Result<EdgeResponse, String> {
        EdgeClient::head(self, url, timeout).await.map_err(|error| error.to_string())
    }
}
