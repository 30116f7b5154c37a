//! What the layers of a sender have in common.

use std::future::Future;

use purge_router_cloudflare::Accepted;

use super::failure::Failure;
use super::piece::Piece;

/// A layer that sends pieces of one zone's batches through the layer below it.
pub(super) trait SendPiece: Sync {
    /// Sends a piece, and adds to `attempts` how many requests that took.
    fn send(&self, piece: &Piece<'_>, attempts: &mut u32) -> impl Future<Output = Result<Accepted, Failure>> + Send;
}
