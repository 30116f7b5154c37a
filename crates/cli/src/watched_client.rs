//! Cloudflare's client, with what last failed, for those who wait.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use purge_router_cloudflare::{Accepted, Client, Credential, Meaning, Refusal, Target, split_advice};
use purge_router_core::{Body, Mode};
use purge_router_pipeline::PurgeApi;

use crate::print::Progress;

/// The progress of the plan that is being sent, if one is.
pub(crate) type SharedProgress = Arc<Mutex<Option<Progress>>>;

/// Sends requests, and shows failures since the last success beside the progress.
pub(crate) struct WatchedClient {
    client: Client,
    failures: Mutex<usize>,
    progress: SharedProgress,
}

impl WatchedClient {
    pub(crate) fn new(client: Client, progress: SharedProgress) -> Self {
        Self { client, failures: Mutex::new(0), progress }
    }

    fn note(&self, result: &Result<Accepted, Refusal>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures = if result.is_ok() { 0 } else { *failures + 1 };
        let remark = result.as_ref().err().map(|refusal| remark(refusal, *failures)).unwrap_or_default();
        if let Some(progress) = &*self.progress.lock().unwrap_or_else(PoisonError::into_inner) {
            progress.remark(&remark);
        }
    }
}

/// What failed last, and how often, short enough for a line: `unreachable 3 times: connection refused`.
fn remark(refusal: &Refusal, failures: usize) -> String {
    let word = match refusal.meaning {
        Meaning::RateLimited { .. } => "rate limited",
        Meaning::Unreachable => "unreachable",
        Meaning::ServerError => "server error",
        _ => "refused",
    };
    let (message, _) = split_advice(&refusal.message);
    // The URL and the layers of the client come first, and the cause last.
    let reason = match refusal.meaning {
        Meaning::Unreachable => message.rsplit(": ").next().unwrap_or(message),
        _ => message,
    };
    let times = if failures == 1 { "once".to_owned() } else { format!("{failures} times") };
    format!("{word} {times}: {reason}")
}

impl PurgeApi for WatchedClient {
    async fn purge(
        &self,
        credential: &Credential,
        target: Target<'_>,
        mode: Mode,
        body: &Body<'_>,
        timeout: Duration,
    ) -> Result<Accepted, Refusal> {
        let result = self.client.purge(credential, target, mode, body, timeout).await;
        self.note(&result);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_says_what_failed_last_and_how_often() {
        let refusal =
            |meaning, message: &str| Refusal { meaning, message: message.to_owned(), status: None, ray: None };
        let unreachable = refusal(Meaning::Unreachable, "https://x: connection refused");
        assert_eq!(remark(&unreachable, 3), "unreachable 3 times: connection refused");
        assert_eq!(remark(&refusal(Meaning::ServerError, "HTTP 502"), 1), "server error once: HTTP 502");
    }
}
