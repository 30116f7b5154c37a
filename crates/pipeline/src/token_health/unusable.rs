//! Why a zone's token is not used.

use std::time::Duration;

use crate::store::TokenError;

/// Why a zone's token is not used for a request, so that the request is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenUnusable {
    #[error(transparent)]
    NotRead(#[from] TokenError),
    #[error("not sent: the zone's token was refused; it is tried again in {} s", .0.as_secs_f64().ceil())]
    CircuitOpen(Duration),
    #[error("not sent: the zone's token was refused to its other requests")]
    RefusedToOthers,
    #[error("not sent: Cloudflare refused the tokens of too many of the team's zones; it is tried again in a minute")]
    TooManyRefused,
}
