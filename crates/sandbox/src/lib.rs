//! A local stand-in for Cloudflare, for tests and demos.
//!
//! A [`Sandbox`] is two servers on loopback. One is Cloudflare's **API**: purge, invalidate, the management of
//! tokens and Trace, with the limits of plans and of clients, error codes, injected [`Fault`]s and a record of every request. The other is an **edge**:
//! a caching proxy in front of any origin server with Cloudflare's cache keys, so that a test sees stale content before
//! a purge and fresh content after it. [`Builder::mappings`] takes zones and tokens from a mapping file.
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
//! Tests in other languages use HTTP, on the API's port: `GET` and `DELETE /_sandbox/requests`, `POST`
//! (a [`Fault`]) and `DELETE /_sandbox/faults`, `POST /_sandbox/tokens` (`secret`, `zones`, `status`),
//! `POST /_sandbox/global-keys` (`email`, `key`), `GET /_sandbox/cache` and `GET /_sandbox/health`.

mod answer;
mod api;
mod body;
mod builder;
mod client_limit;
mod control;
mod edge;
mod fault;
mod faults;
mod item;
mod limit;
mod lock;
mod mappings;
mod origin;
mod record;
mod sandbox;
mod server;
mod state;
mod token;
mod zone;

pub use builder::Builder;
pub use fault::{Fault, FaultKind, PurgeMethod};
pub use mappings::zone_secret;
pub use origin::Origin;
pub use record::Received;
pub use sandbox::Sandbox;
pub use token::sandbox_token::{SandboxToken, TokenStatus};
pub use zone::SandboxZone;
