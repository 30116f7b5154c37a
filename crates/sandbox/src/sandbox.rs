//! A running sandbox.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::api::path::BASE;
use crate::fault::Fault;
use crate::lock::lock;
use crate::record::Received;
use crate::server::Server;
use crate::state::State;
use crate::token::sandbox_token::{SandboxToken, TokenStatus};

/// A running sandbox. Dropping it stops it; [`Sandbox::stop`] also waits until it has stopped.
pub struct Sandbox {
    pub(crate) api: Server,
    pub(crate) edge: Server,
    pub(crate) state: Arc<State>,
}

impl Sandbox {
    /// The base of the API's URLs, `http://127.0.0.1:PORT/client/v4`.
    pub fn api_url(&self) -> String {
        format!("{}{BASE}", self.api.url())
    }

    /// The base of the edge's URLs, `http://127.0.0.1:PORT`. The `Host` header selects the site, and
    /// `X-Forwarded-Proto` the scheme, which is https by default.
    pub fn edge_url(&self) -> String {
        self.edge.url()
    }

    /// Every request to the API, in order of arrival.
    pub fn requests(&self) -> Vec<Received> {
        self.state.log.all()
    }

    /// When the sandbox started: [`Received::at`] counts from it.
    pub fn started(&self) -> Instant {
        self.state.log.started()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.state.log.clear();
    }

    /// Injects a fault, after those that were added before.
    pub fn add_fault(&self, fault: Fault) {
        lock(&self.state.faults).add(fault);
    }

    /// Removes all faults. Requests that a fault already delays or hangs are not released.
    pub fn clear_faults(&self) {
        lock(&self.state.faults).clear();
    }

    /// Adds a token. It replaces one with the same secret.
    pub fn add_token(&self, token: SandboxToken) {
        lock(&self.state.tokens).add(token);
    }

    /// Sets the global API key of the user with this email address. It may purge every zone.
    pub fn set_global_key(&self, email: &str, key: &str) {
        lock(&self.state.tokens).set_global_key(email.to_owned(), key.to_owned());
    }

    /// Sets the status of a token; `false` if no token has this secret.
    pub fn set_token_status(&self, secret: &str, status: TokenStatus) -> bool {
        lock(&self.state.tokens).set_status(secret, status)
    }

    /// Moves the clock ahead with which `not_before` and `expires_on` of the tokens are compared, and with which the
    /// limits of clients are kept.
    pub fn advance_clock(&self, time: Duration) {
        lock(&self.state.tokens).advance_clock(time);
        self.state.client_limits.iter().for_each(|limits| lock(limits).advance_clock(time));
    }

    /// Makes all that the edge has cached older, as `Age` shows.
    pub fn age_cached(&self, age: Duration) {
        lock(&self.state.cache).add_age(age);
    }

    /// Stops, and waits until every connection is closed.
    pub async fn stop(self) {
        self.api.stop().await;
        self.edge.stop().await;
    }
}
