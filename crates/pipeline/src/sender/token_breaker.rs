//! Sends requests only while the circuit of the zone's token is closed. While it is half-open, one request at a time probes
//! the token, with all its retries, and the others wait for the probe's result.

use std::sync::Arc;

use purge_router_cloudflare::Accepted;

use super::deadline::Deadline;
use super::failure::{Failure, NotSent};
use super::piece::Piece;
use super::retry::Retry;
use crate::api::PurgeApi;
use crate::store::TokenStore;
use crate::token_health::ZoneToken;

pub(super) struct TokenBreaker<'e, T, A> {
    inner: Retry<'e, T, A>,
    token: Arc<ZoneToken<'e, T>>,
    deadline: Deadline<'e>,
}

impl<'e, T: TokenStore, A: PurgeApi> TokenBreaker<'e, T, A> {
    pub(super) fn new(inner: Retry<'e, T, A>, token: Arc<ZoneToken<'e, T>>, deadline: Deadline<'e>) -> Self {
        Self { inner, token, deadline }
    }

    /// Sends a piece, and counts in `attempts` how often.
    pub(super) async fn send(&self, piece: &Piece<'_>, attempts: &mut u32) -> Result<Accepted, Failure> {
        let probe = "another request had probed its token";
        let pass = self.deadline.before_deadline(probe, self.token.enter()).await?;
        let _pass = pass.map_err(NotSent::from)?;
        self.inner.send(piece, attempts).await
    }
}
