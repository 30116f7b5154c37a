//! A local stand-in for Cloudflare, for tests and demos.
//!
//! A [`Sandbox`] is two servers on loopback. One is Cloudflare's **API**: purge, invalidate and token verification,
//! with its tokens, rate limits and error codes, faults on demand and a record of every request. The other is an
//! **edge**: a caching proxy in front of any origin server, keyed as Cloudflare keys, so that a test sees stale content
//! before a purge and fresh content after it.
//!
//! ```
//! use purge_router_sandbox::{Origin, Sandbox, SandboxToken, SandboxZone};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let zone_id = "023e105f4ecef8ad9ca31a8372d0c353".to_owned();
//! let origin = Origin::start().await?;
//! origin.put("/logo.svg", "old");
//! let sandbox = Sandbox::builder()
//!     .zone(SandboxZone {
//!         zone_id: zone_id.clone(),
//!         domain: "example.com".into(),
//!         hostnames: vec!["www.example.com".into()],
//!         ..SandboxZone::default()
//!     })
//!     .token(SandboxToken {
//!         secret: "secret".into(),
//!         id: "ed17574386854bf78a67040be0a770b0".into(),
//!         zones: vec![zone_id.clone()],
//!         ..SandboxToken::default()
//!     })
//!     .origin(None, origin.url())
//!     .start()
//!     .await?;
//!
//! let client = reqwest::Client::new();
//! let logo = || client.get(format!("{}/logo.svg", sandbox.edge_url())).header("host", "www.example.com").send();
//! logo().await?;
//! origin.put("/logo.svg", "new");
//! assert_eq!(logo().await?.text().await?, "old");
//!
//! let purge = client.post(format!("{}/zones/{zone_id}/purge_cache", sandbox.api_url())).bearer_auth("secret");
//! let answer = purge.body(r#"{"files": ["https://www.example.com/logo.svg"]}"#).send().await?;
//! assert_eq!(answer.status(), 200);
//! assert_eq!(logo().await?.text().await?, "new");
//! assert_eq!(sandbox.requests().len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! Tests in other languages reach the same through the API's port: `GET` and `DELETE /_sandbox/requests`, `POST`
//! (a [`Fault`]) and `DELETE /_sandbox/faults`, `POST /_sandbox/tokens` (`secret`, `zones`, `status`),
//! `POST /_sandbox/global-keys` (`email`, `key`), `GET /_sandbox/cache` and `GET /_sandbox/health`.

mod answer;
mod api;
mod body;
mod builder;
mod control;
mod edge;
mod fault;
mod faults;
mod item;
mod limit;
mod mappings;
pub mod origin;
mod record;
mod server;
mod state;
mod token;
mod token_api;
mod zone;

use std::sync::Arc;

pub use builder::Builder;
pub use fault::{Fault, FaultKind, PurgeMethod};
pub use mappings::zone_secret;
pub use origin::Origin;
pub use record::Received;
pub use token::{SandboxToken, TokenStatus};
pub use zone::SandboxZone;

use server::Server;
use state::{State, lock};

/// A running sandbox. Dropping it stops it; [`Sandbox::stop`] also waits for the end.
pub struct Sandbox {
    api: Server,
    edge: Server,
    state: Arc<State>,
}

impl Sandbox {
    /// A sandbox yet to be described and started.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The base of the API's URLs, `http://127.0.0.1:PORT/client/v4`.
    pub fn api_url(&self) -> String {
        format!("{}{}", self.api.url(), api::BASE)
    }

    /// The base of the edge's URLs, `http://127.0.0.1:PORT`. The `Host` header says which site is meant, and
    /// `X-Forwarded-Proto` whether by http or (the default) https.
    pub fn edge_url(&self) -> String {
        self.edge.url()
    }

    /// Every request to the API, in order of arrival.
    pub fn requests(&self) -> Vec<Received> {
        self.state.log.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.state.log.clear();
    }

    /// Lets something go wrong from now on, after the faults that were added before.
    pub fn add_fault(&self, fault: Fault) {
        lock(&self.state.faults).add(fault);
    }

    /// Ends all faults. Requests that wait or hang go on doing so.
    pub fn clear_faults(&self) {
        lock(&self.state.faults).clear();
    }

    /// Adds a token, in place of one with the same secret.
    pub fn add_token(&self, token: SandboxToken) {
        lock(&self.state.tokens).add(token);
    }

    /// Sets the global API key of the user with this address; it may purge every zone.
    pub fn set_global_key(&self, email: &str, key: &str) {
        lock(&self.state.tokens).set_global_key(email.to_owned(), key.to_owned());
    }

    /// Sets the status of a token; `false` if there is none with this secret.
    pub fn set_token_status(&self, secret: &str, status: TokenStatus) -> bool {
        lock(&self.state.tokens).set_status(secret, status)
    }

    /// Stops, and waits until every connection is closed.
    pub async fn stop(self) {
        self.api.stop().await;
        self.edge.stop().await;
    }
}
