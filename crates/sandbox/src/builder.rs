//! From the description of a sandbox to a running one.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::edge::proxy::Origins;
use crate::server::Server;
use crate::state::State;
use crate::token::{SandboxToken, Tokens};
use crate::zone::{SandboxZone, Zone, checked, is_id};
use crate::{Sandbox, api, control, edge};

/// Describes a [`Sandbox`] and starts it.
#[derive(Debug, Clone)]
pub struct Builder {
    zones: Vec<SandboxZone>,
    tokens: Vec<SandboxToken>,
    origins: Vec<(Option<String>, String)>,
    api_address: SocketAddr,
    edge_address: SocketAddr,
    rate_limits: bool,
}

impl Default for Builder {
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            zones: Vec::new(),
            tokens: Vec::new(),
            origins: Vec::new(),
            api_address: any_port,
            edge_address: any_port,
            rate_limits: true,
        }
    }
}

impl Builder {
    /// Adds a zone.
    #[must_use]
    pub fn zone(mut self, zone: SandboxZone) -> Self {
        self.zones.push(zone);
        self
    }

    /// Adds zones.
    #[must_use]
    pub fn zones(mut self, zones: impl IntoIterator<Item = SandboxZone>) -> Self {
        self.zones.extend(zones);
        self
    }

    /// Adds a token.
    #[must_use]
    pub fn token(mut self, token: SandboxToken) -> Self {
        self.tokens.push(token);
        self
    }

    /// Sets the origin server of a hostname or, without one, of all hostnames that have none of their own. A path in
    /// the URL is put before every path.
    #[must_use]
    pub fn origin(mut self, host: Option<&str>, url: impl Into<String>) -> Self {
        self.origins.push((host.map(str::to_owned), url.into()));
        self
    }

    /// Where the API listens; by default on a free port of 127.0.0.1.
    #[must_use]
    pub fn api_address(mut self, address: SocketAddr) -> Self {
        self.api_address = address;
        self
    }

    /// Where the edge listens; by default on a free port of 127.0.0.1.
    #[must_use]
    pub fn edge_address(mut self, address: SocketAddr) -> Self {
        self.edge_address = address;
        self
    }

    /// Whether the plans' rate limits hold; by default they do.
    #[must_use]
    pub fn rate_limits(mut self, enabled: bool) -> Self {
        self.rate_limits = enabled;
        self
    }

    /// Starts both servers.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if a zone, token or URL cannot be right, with a message that names it; else what
    /// binding the addresses met, or reading the system's certificates where an origin server needs TLS.
    pub async fn start(self) -> io::Result<Sandbox> {
        let zones = checked(self.zones).map_err(invalid)?;
        let tokens = checked_tokens(self.tokens, &zones).map_err(invalid)?;
        let origins = Origins::new(&self.origins)?;
        let state = Arc::new(State::new(zones, tokens, self.rate_limits));
        let router = control::router(Arc::clone(&state)).fallback_service(api::router(Arc::clone(&state)));
        let api = Server::start(self.api_address, router).await?;
        let edge = Server::start(self.edge_address, edge::router(Arc::clone(&state), origins)).await?;
        Ok(Sandbox { api, edge, state })
    }
}

fn checked_tokens(tokens: Vec<SandboxToken>, zones: &[Zone]) -> Result<Tokens, String> {
    let mut checked = Tokens::default();
    for token in tokens {
        if !is_id(&token.id) {
            return Err(format!("the token id {:?} is not 32 hexadecimal digits", token.id));
        }
        if let Some(unknown) = token.zones.iter().find(|zone_id| zones.iter().all(|zone| zone.id != **zone_id)) {
            return Err(format!("the token {} is for the zone {unknown:?}, which is not there", token.id));
        }
        checked.add(token);
    }
    Ok(checked)
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}
