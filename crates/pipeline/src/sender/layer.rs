//! What the layers have in common.

use std::future::Future;

use purge_router_cloudflare::Accepted;

use super::failure::Failure;
use super::piece::Piece;

/// Sends one piece of a batch. A layer that holds another one adds to what that does.
pub(super) trait SendPiece: Send + Sync {
    /// Sends it, and counts in `attempts` how often.
    fn send(&self, piece: &Piece<'_>, attempts: &mut u32) -> impl Future<Output = Result<Accepted, Failure>> + Send;
}
