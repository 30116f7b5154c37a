//! Sends a request until it is accepted, refused for good, or the deadline is near.

use std::time::Duration;

use purge_router_cloudflare::{Accepted, Meaning, Refusal};

use super::attempt::{Attempt, AttemptOutcome};
use super::failure::{Failure, NotSent};
use super::piece::Piece;
use crate::api::PurgeApi;
use crate::clock::Timestamp;
use crate::metrics;
use crate::store::{TokenError, TokenStore};
use crate::token_health::{TokenTry, TokenUnusable};

/// How long Cloudflare blocks all calls, if it does not say.
const DEFAULT_BLOCK: Duration = Duration::from_secs(300);

/// How long to wait before a refused token is tried once more: good ones were seen refused for a moment.
const BEFORE_SECOND_TRY: Duration = Duration::from_millis(100);

/// What to do after a refused request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
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
pub(super) enum Wait {
    /// Exponential backoff with full jitter.
    Backoff,
    Exactly(Duration),
}

/// Decides by what the refusal means, and by whether this was the batch's second try with the token.
pub(super) fn decide(meaning: Meaning, token_try: TokenTry) -> Decision {
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
pub(super) struct Retry<'e, T, A>(Attempt<'e, T, A>);

impl<'e, T: TokenStore, A: PurgeApi> Retry<'e, T, A> {
    pub(super) fn new(attempt: Attempt<'e, T, A>) -> Self {
        Self(attempt)
    }

    /// Sends a piece, and counts in `attempts` how often.
    pub(super) async fn send(&self, piece: &Piece<'_>, attempts: &mut u32) -> Result<Accepted, Failure> {
        let mut token_try = TokenTry::First;
        let mut admission = None;
        let mut failed = 0;
        let retries_until = self.0.deadline.now() + self.0.deadline.trouble();
        // What Cloudflare answered last says more than that the deadline passed after it.
        let mut last = None::<Failure>;
        loop {
            let outcome = self.0.send(piece, token_try, admission.take()).await;
            *attempts += u32::from(outcome.is_ok());
            let (failure, decision) = match outcome {
                Ok(AttemptOutcome { answer: Ok(accepted), .. }) => return Ok(accepted),
                Ok(AttemptOutcome { answer: Err(refusal), .. }) if self.is_cut_by_deadline(&refusal) => {
                    return Err(last.unwrap_or(refusal.into()));
                }
                Ok(AttemptOutcome { answer: Err(refusal), admission: held }) => {
                    let decision = decide(refusal.meaning, token_try);
                    admission = held.filter(|_| decision == Decision::RetryWithFreshToken);
                    (refusal.into(), decision)
                }
                Err(reason @ NotSent::Token(TokenUnusable::NotRead(TokenError::Unavailable { .. }))) => {
                    (reason.into(), Decision::Retry(Wait::Backoff))
                }
                Err(reason @ NotSent::Token(_)) => return Err(reason.into()),
                Err(reason) => return Err(last.unwrap_or(reason.into())),
            };
            failed += 1;
            let may_retry = match decision {
                Decision::GiveUp => false,
                Decision::RetryWithFreshToken => {
                    token_try = TokenTry::Second;
                    self.refresh_token().await
                }
                Decision::Retry(wait) => self.wait(self.delay(wait, failed), retries_until).await,
                Decision::Pause { wait, all_calls } => self.pause(piece, self.delay(wait, failed), all_calls).await,
            };
            if !may_retry {
                return Err(failure);
            }
            last = Some(failure);
        }
    }

    fn is_cut_by_deadline(&self, refusal: &Refusal) -> bool {
        refusal.meaning == Meaning::Unreachable && self.0.deadline.left().is_zero()
    }

    /// Reads the token at once, so that requests that wait for a slot do not send the refused one. Then waits a moment.
    async fn refresh_token(&self) -> bool {
        let Attempt { token, deadline, .. } = &self.0;
        let read = deadline.before_deadline("its token was read", token.credential(TokenTry::Second)).await;
        read.is_ok() && deadline.sleep(BEFORE_SECOND_TRY).await
    }

    async fn wait(&self, delay: Duration, retries_until: Timestamp) -> bool {
        let deadline = &self.0.deadline;
        deadline.now() + delay < retries_until && deadline.sleep(delay).await
    }

    async fn pause(&self, piece: &Piece<'_>, delay: Duration, all_calls: bool) -> bool {
        let Attempt { shared, zone, deadline, .. } = &self.0;
        metrics::count_rate_limit(zone);
        let class = (!all_calls).then(|| piece.class());
        shared.limits.pause(zone, class, shared.clock.now() + delay);
        deadline.now() + delay < deadline.of_limits() && deadline.sleep(delay).await
    }

    fn delay(&self, wait: Wait, failed: u32) -> Duration {
        match wait {
            Wait::Backoff => self.0.shared.settings.backoff.wait(failed),
            Wait::Exactly(delay) => delay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions() {
        let second = Duration::from_secs(1);
        let limited = |retry_after, all_calls| Meaning::RateLimited { retry_after, all_calls };
        let pause = |wait, all_calls| Decision::Pause { wait, all_calls };
        let backoff = Decision::Retry(Wait::Backoff);
        for (meaning, first, second) in [
            (limited(Some(second), false), pause(Wait::Exactly(second), false), pause(Wait::Exactly(second), false)),
            (limited(None, false), pause(Wait::Backoff, false), pause(Wait::Backoff, false)),
            (limited(Some(Duration::ZERO), false), pause(Wait::Backoff, false), pause(Wait::Backoff, false)),
            (limited(Some(second), true), pause(Wait::Exactly(second), true), pause(Wait::Exactly(second), true)),
            (limited(None, true), pause(Wait::Exactly(DEFAULT_BLOCK), true), pause(Wait::Exactly(DEFAULT_BLOCK), true)),
            (Meaning::Unreachable, backoff, backoff),
            (Meaning::ServerError, backoff, backoff),
            (Meaning::TokenRefused, Decision::RetryWithFreshToken, Decision::GiveUp),
            (Meaning::ItemRefused, Decision::GiveUp, Decision::GiveUp),
            (Meaning::HostnameRefused, Decision::GiveUp, Decision::GiveUp),
            (Meaning::Unclear, Decision::GiveUp, Decision::GiveUp),
            (Meaning::RequestRefused, Decision::GiveUp, Decision::GiveUp),
        ] {
            assert_eq!(decide(meaning, TokenTry::First), first, "{meaning:?}");
            assert_eq!(decide(meaning, TokenTry::Second), second, "{meaning:?}");
        }
    }
}
