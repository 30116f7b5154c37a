//! A client of Cloudflare's edge: what it serves for a URL, from its headers alone.
//!
//! Teams write the hostnames of URLs, so the client is careful where it connects: only to public addresses, which it checks
//! where it resolves names; to no address that a URL names itself; through no proxy, which would resolve names on its own;
//! and where a redirect leads it does not go. It sends no credentials and keeps no cookies and no connection.
//!
//! It sends HEAD. Cloudflare serves it from the same cache as GET, and turns it into GET where it asks the origin server, so
//! that the headers are the same, and the body, which may be large, does not arrive here.
//! Source: <https://developers.cloudflare.com/cache/concepts/cache-behavior/>.

use std::time::Duration;

use purge_router_core::EdgeResponse;
use reqwest::header::{AGE, ETAG, HOST, HeaderMap};
use reqwest::{ClientBuilder, RequestBuilder};
use url::{Host, Position, Url};

use crate::client::{causes, is_loopback};
use crate::public_address::{Lookup, PublicAddresses};

/// The longest value of a header that is kept, in bytes.
const MAX_VALUE: usize = 256;

/// A client of Cloudflare's edge, or of a sandbox's.
#[derive(Debug, Clone)]
pub struct EdgeClient {
    http: reqwest::Client,
    /// Where all requests go, whatever their host.
    sandbox: Option<Url>,
}

/// The string can't be the address of a sandbox's edge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the edge of a sandbox: write its address on this machine, such as http://127.0.0.1:8788")]
pub struct NotASandbox(String);

/// Why there is no response of the edge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEdgeResponse {
    /// The URL names an address and no host, or no client requests it in this spelling.
    #[error("the URL can't be fetched as it is purged")]
    BadUrl,
    /// The request failed, or its host has no public address.
    #[error("{0}")]
    Failed(String),
}

impl EdgeClient {
    /// A client that connects to public addresses only.
    ///
    /// # Errors
    /// TLS can't be set up.
    pub fn new() -> Result<Self, NoEdgeResponse> {
        Self::with_addresses(PublicAddresses::of_system())
    }

    /// The same with another resolver of names. Its addresses are checked too.
    ///
    /// # Errors
    /// TLS can't be set up.
    pub fn with_lookup(lookup: Lookup) -> Result<Self, NoEdgeResponse> {
        Self::with_addresses(PublicAddresses::new(lookup))
    }

    fn with_addresses(addresses: PublicAddresses) -> Result<Self, NoEdgeResponse> {
        let http = builder().dns_resolver(addresses).build().map_err(|error| failed(&error))?;
        Ok(Self { http, sandbox: None })
    }

    /// A client for tests, all of whose requests go to a sandbox's edge on this machine.
    ///
    /// # Errors
    /// The URL is not one of plain HTTP to this machine, or has a path.
    pub fn of_sandbox(url: &str) -> Result<Self, NotASandbox> {
        let bad = || NotASandbox(url.to_owned());
        let edge = Url::parse(url).map_err(|_| bad())?;
        let is_bare = edge[Position::BeforePath..] == *"/" && edge.username().is_empty() && edge.password().is_none();
        if edge.scheme() != "http" || !is_loopback(&edge) || !is_bare {
            return Err(bad());
        }
        let http = builder().build().map_err(|_| bad())?;
        Ok(Self { http, sandbox: Some(edge) })
    }

    /// Asks for a URL within this time.
    ///
    /// # Errors
    /// There was no response, or the URL may not be asked for.
    pub async fn head(&self, url: &str, timeout: Duration) -> Result<EdgeResponse, NoEdgeResponse> {
        let parsed = Url::parse(url).map_err(|_| NoEdgeResponse::BadUrl)?;
        let Some(Host::Domain(host)) = parsed.host() else { return Err(NoEdgeResponse::BadUrl) };
        // What would be requested instead is another object of the cache, or of another host.
        if parsed.as_str() != url || parsed.port().is_some() || !parsed.username().is_empty() {
            return Err(NoEdgeResponse::BadUrl);
        }
        let response = self.request(&parsed, host).timeout(timeout).send().await;
        let response = response.map_err(|error| failed(&error.without_url()))?;
        Ok(edge_response(response.status().as_u16(), response.headers()))
    }

    fn request(&self, url: &Url, host: &str) -> RequestBuilder {
        let Some(sandbox) = &self.sandbox else { return self.http.head(url.as_str()) };
        let at_sandbox = format!("{}{}", &sandbox[..Position::BeforePath], &url[Position::BeforePath..]);
        self.http.head(at_sandbox).header(HOST, host).header("x-forwarded-proto", url.scheme())
    }
}

fn builder() -> ClientBuilder {
    purge_router_http::client_builder()
        .user_agent(concat!("purge-router/", env!("CARGO_PKG_VERSION"), " (verify)"))
        .no_proxy()
        .referer(false)
        .pool_max_idle_per_host(0)
}

fn failed(error: &reqwest::Error) -> NoEdgeResponse {
    NoEdgeResponse::Failed(causes(error))
}

fn edge_response(status: u16, headers: &HeaderMap) -> EdgeResponse {
    let text = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        (value.len() <= MAX_VALUE).then(|| value.to_owned())
    };
    let age = text(AGE.as_str()).and_then(|age| age.parse().ok());
    EdgeResponse { status, cache_status: text("cf-cache-status"), age, etag: text(ETAG.as_str()) }
}

#[cfg(test)]
mod tests;
