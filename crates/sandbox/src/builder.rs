//! The description of a sandbox, which starts it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::edge::origins::Origins;
use crate::sandbox::Sandbox;
use crate::server::Server;
use crate::state::State;
use crate::token::sandbox_token::SandboxToken;
use crate::token::store::Tokens;
use crate::zone::{SandboxZone, Zone, is_id, validate};
use crate::{api, control, edge};

/// Describes a [`Sandbox`] and starts it.
#[derive(Debug, Clone)]
pub struct Builder {
    zones: Vec<SandboxZone>,
    tokens: Vec<SandboxToken>,
    origins: Vec<(Option<String>, String)>,
    api_address: SocketAddr,
    edge_address: SocketAddr,
    rate_limits: bool,
    purge_race: bool,
}

impl Sandbox {
    /// Describes a sandbox, which [`Builder::start`] starts.
    pub fn builder() -> Builder {
        Builder::default()
    }
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
            purge_race: false,
        }
    }
}

impl Builder {
    /// Adds a zone, after those that were added before.
    #[must_use]
    pub fn zone(mut self, zone: SandboxZone) -> Self {
        self.zones.push(zone);
        self
    }

    /// Adds zones, in this order.
    #[must_use]
    pub fn zones(mut self, zones: impl IntoIterator<Item = SandboxZone>) -> Self {
        self.zones.extend(zones);
        self
    }

    /// Adds a token to those that the API knows.
    #[must_use]
    pub fn token(mut self, token: SandboxToken) -> Self {
        self.tokens.push(token);
        self
    }

    /// Sets the origin server of a hostname or, without a hostname, of all that have none of their own. A path in the
    /// URL is the prefix of every path.
    #[must_use]
    pub fn origin(mut self, host: Option<&str>, url: impl Into<String>) -> Self {
        self.origins.push((host.map(str::to_owned), url.into()));
        self
    }

    /// Sets the address of the API; by default a free port of 127.0.0.1.
    #[must_use]
    pub fn api_address(mut self, address: SocketAddr) -> Self {
        self.api_address = address;
        self
    }

    /// Sets the address of the edge; by default a free port of 127.0.0.1.
    #[must_use]
    pub fn edge_address(mut self, address: SocketAddr) -> Self {
        self.edge_address = address;
        self
    }

    /// Switches the rate limits of plans and of clients on or off; by default they are on.
    #[must_use]
    pub fn rate_limits(mut self, enabled: bool) -> Self {
        self.rate_limits = enabled;
        self
    }

    /// Whether the edge stores an answer that it was fetching while its zone was purged. Cloudflare does not promise
    /// that it never happens, so a second purge is tested against it. By default it is off.
    #[must_use]
    pub fn purge_race(mut self, enabled: bool) -> Self {
        self.purge_race = enabled;
        self
    }

    /// Starts both servers.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if a zone, token or URL is invalid, with a message that names it. Other kinds if
    /// an address can't be bound, or if an origin server needs TLS and the system's certificates can't be read.
    pub async fn start(self) -> io::Result<Sandbox> {
        let zones = validate(self.zones).map_err(invalid)?;
        let tokens = validate_tokens(self.tokens, &zones).map_err(invalid)?;
        let origins = Origins::new(&self.origins)?;
        let state = Arc::new(State::new(zones, tokens, self.rate_limits, self.purge_race));
        let router = control::router(Arc::clone(&state)).fallback_service(api::router::router(Arc::clone(&state)));
        let api = Server::start(self.api_address, router).await?;
        let edge = Server::start(self.edge_address, edge::serve::router(Arc::clone(&state), origins)).await?;
        Ok(Sandbox { api, edge, state })
    }
}

fn validate_tokens(tokens: Vec<SandboxToken>, zones: &[Zone]) -> Result<Tokens, String> {
    let mut valid = Tokens::default();
    for token in tokens {
        if !is_id(&token.id) {
            return Err(format!("the token id {:?} is not 32 hexadecimal digits", token.id));
        }
        if let Some(unknown) = token.zones.iter().find(|zone_id| zones.iter().all(|zone| zone.id != **zone_id)) {
            return Err(format!("the token {} is for the zone {unknown:?}, which does not exist", token.id));
        }
        valid.add(token);
    }
    Ok(valid)
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}
