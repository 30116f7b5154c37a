//! Sends a piece until it is accepted or refused for good, or until the period for retries ends.

use std::sync::Arc;
use std::time::Duration;

use purge_router_cloudflare::{Accepted, Meaning};
use purge_router_core::Zone;

use super::attempt::{AttemptError, SendOnce};
use super::deadline::Deadline;
use super::failure::{Failure, NotSent};
use super::layer::SendPiece;
use super::piece::Piece;
use crate::backoff::Backoff;
use crate::clock::Timestamp;
use crate::metrics;
use crate::rate_limit::RateLimits;
use crate::store::{TokenError, TokenStore};
use crate::token_health::{TokenTry, TokenUnusable, ZoneToken};

/// How long Cloudflare blocks all calls, if it does not say.
const DEFAULT_BLOCK: Duration = Duration::from_secs(300);

/// How long to wait before a refused token is tried once more: good ones were seen refused for a moment.
const BEFORE_SECOND_TRY: Duration = Duration::from_millis(100);

/// What to do after a request that purged nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// Retry after this wait.
    Retry(Wait),
    /// Retry after this wait, and send nothing else of the team meanwhile: in this class of requests, or at all.
    Pause {
        wait: Wait,
        all_calls: bool,
    },
    /// Read the token afresh and try once more.
    RetryWithFreshToken,
    GiveUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Exponential backoff with full jitter.
    Backoff,
    Exactly(Duration),
}

/// Decides by what the error means, and by whether this was the piece's second try with the token.
fn decide(error: &AttemptError, token_try: TokenTry) -> Decision {
    match error {
        // The store is asked again, as Cloudflare is.
        AttemptError::NotSent(NotSent::Token(TokenUnusable::NotRead(TokenError::Unavailable { .. }))) => {
            Decision::Retry(Wait::Backoff)
        }
        AttemptError::NotSent(_) => Decision::GiveUp,
        AttemptError::Refused { refusal, .. } => decide_by_meaning(refusal.meaning, token_try),
    }
}

fn decide_by_meaning(meaning: Meaning, token_try: TokenTry) -> Decision {
    match meaning {
        Meaning::RateLimited { retry_after, all_calls } => {
            let wait = match retry_after.filter(|delay| !delay.is_zero()) {
                Some(delay) => Wait::Exactly(delay),
                None if all_calls => Wait::Exactly(DEFAULT_BLOCK),
                None => Wait::Backoff,
            };
            Decision::Pause { wait, all_calls }
        }
        Meaning::Unreachable | Meaning::ServerError => Decision::Retry(Wait::Backoff),
        Meaning::TokenRefused if token_try == TokenTry::First => Decision::RetryWithFreshToken,
        Meaning::TokenRefused
        | Meaning::ItemRefused
        | Meaning::HostnameRefused
        | Meaning::Unclear
        | Meaning::RequestRefused => Decision::GiveUp,
    }
}

/// Retries requests of one zone.
pub(super) struct Retry<'e, T, S> {
    inner: S,
    zone: &'e Zone,
    token: Arc<ZoneToken<'e, T>>,
    limits: &'e RateLimits,
    backoff: Backoff,
    deadline: Deadline<'e>,
}

impl<'e, T: TokenStore, S: SendOnce> Retry<'e, T, S> {
    pub(super) fn new(
        inner: S,
        zone: &'e Zone,
        token: Arc<ZoneToken<'e, T>>,
        limits: &'e RateLimits,
        backoff: Backoff,
        deadline: Deadline<'e>,
    ) -> Self {
        Self { inner, zone, token, limits, backoff, deadline }
    }

    /// Waits as decided. Returns whether to retry.
    async fn wait(&self, decision: Decision, failed: u32, retries_until: Timestamp, piece: &Piece<'_>) -> bool {
        match decision {
            Decision::GiveUp => false,
            Decision::RetryWithFreshToken => self.refresh_token().await,
            Decision::Retry(wait) => self.sleep(self.delay(wait, failed), retries_until).await,
            Decision::Pause { wait, all_calls } => {
                let delay = self.delay(wait, failed);
                metrics::count_rate_limit(self.zone);
                let class = (!all_calls).then(|| piece.class());
                self.limits.pause(self.zone, class, self.deadline.now() + delay);
                self.sleep(delay, self.deadline.rate_limit_deadline()).await
            }
        }
    }

    /// Reads the token at once, so that requests that wait for the rate limit do not send the refused one. Then waits a
    /// little.
    async fn refresh_token(&self) -> bool {
        let reading = self.token.credential(TokenTry::Second);
        let read = self.deadline.before_deadline("its token was read", reading).await;
        read.is_ok() && self.deadline.sleep(BEFORE_SECOND_TRY).await
    }

    async fn sleep(&self, delay: Duration, until: Timestamp) -> bool {
        self.deadline.now() + delay < until && self.deadline.sleep(delay).await
    }

    fn delay(&self, wait: Wait, failed: u32) -> Duration {
        match wait {
            Wait::Backoff => self.backoff.wait(failed),
            Wait::Exactly(delay) => delay,
        }
    }

    /// Whether the request was not sent, or not answered until the deadline: an earlier answer explains more.
    fn is_less_specific(&self, error: &AttemptError) -> bool {
        match error {
            AttemptError::NotSent(NotSent::Token(TokenUnusable::NotRead(TokenError::Unavailable { .. }))) => true,
            AttemptError::NotSent(NotSent::Token(_)) => false,
            AttemptError::NotSent(_) => true,
            AttemptError::Refused { refusal, .. } => {
                refusal.meaning == Meaning::Unreachable && self.deadline.left().is_zero()
            }
        }
    }
}

impl<T: TokenStore, S: SendOnce> SendPiece for Retry<'_, T, S> {
    async fn send(&self, piece: &Piece<'_>, attempts: &mut u32) -> Result<Accepted, Failure> {
        let retries_until = self.deadline.now() + self.deadline.retry_for();
        let (mut token_try, mut admission) = (TokenTry::First, None);
        let (mut failed, mut last) = (0, None);
        loop {
            let result = self.inner.send_once(piece, token_try, admission.take()).await;
            *attempts += u32::from(!matches!(result, Err(AttemptError::NotSent(_))));
            let error = match result {
                Ok(accepted) => return Ok(accepted),
                Err(error) => error,
            };
            let (decision, is_less_specific) = (decide(&error, token_try), self.is_less_specific(&error));
            let (failure, held) = error.into_failure();
            // Other decisions give the admission back before they wait.
            admission = held.filter(|_| decision == Decision::RetryWithFreshToken);
            if decision == Decision::RetryWithFreshToken {
                token_try = TokenTry::Second;
            }
            failed += 1;
            let most_specific = last.filter(|_| is_less_specific).unwrap_or(failure);
            if !self.wait(decision, failed, retries_until, piece).await {
                return Err(most_specific);
            }
            last = Some(most_specific);
        }
    }
}

#[cfg(test)]
mod tests;
