//! One request: admission → token → rate limit → send.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use purge_router_cloudflare::{Accepted, Meaning, Refusal, Target};
use purge_router_core::Zone;

use super::deadline::Deadline;
use super::failure::{Failure, NotSent};
use super::piece::Piece;
use crate::api::PurgeApi;
use crate::rate_limit::{AfterDeadline, Caller};
use crate::shared::Shared;
use crate::store::TokenStore;
use crate::token_health::{Admission, TokenTry, ZoneToken};

/// A zone that had less time than this for its answer, because the event ended, has not failed.
const MIN_CONCLUSIVE_TIME: Duration = Duration::from_millis(500);

/// The lowest layer: one request, without retries.
pub(super) trait SendOnce: Sync {
    /// Sends one request. `held` is the admission of the first try, for a second one.
    fn send_once(
        &self,
        piece: &Piece<'_>,
        token_try: TokenTry,
        held: Option<Admission>,
    ) -> impl Future<Output = Result<Accepted, AttemptError>> + Send;
}

/// Why one request purged nothing.
#[derive(Debug)]
pub(super) enum AttemptError {
    NotSent(NotSent),
    /// It was sent, and not accepted. The admission is to be held until the second try, if the token was refused.
    Refused {
        refusal: Refusal,
        admission: Option<Admission>,
        /// How long the answer was waited for, at most.
        timeout: Duration,
    },
}

impl AttemptError {
    pub(super) fn into_failure(self) -> (Failure, Option<Admission>) {
        match self {
            Self::NotSent(reason) => (reason.into(), None),
            Self::Refused { refusal, admission, timeout } => {
                let was_cut_short = refusal.meaning == Meaning::Unreachable && timeout < MIN_CONCLUSIVE_TIME;
                (Failure { was_cut_short, ..refusal.into() }, admission)
            }
        }
    }
}

impl<E: Into<NotSent>> From<E> for AttemptError {
    fn from(reason: E) -> Self {
        Self::NotSent(reason.into())
    }
}

/// Sends single requests to one zone.
pub(super) struct Attempt<'e, T, A> {
    shared: &'e Shared<T, A>,
    zone: &'e Zone,
    token: Arc<ZoneToken<'e, T>>,
    deadline: Deadline<'e>,
}

impl<'e, T, A> Attempt<'e, T, A> {
    pub(super) fn new(
        shared: &'e Shared<T, A>,
        zone: &'e Zone,
        token: Arc<ZoneToken<'e, T>>,
        deadline: Deadline<'e>,
    ) -> Self {
        Self { shared, zone, token, deadline }
    }

    /// Waits for the limits of the caller, the plan and the address.
    async fn acquire(&self, piece: &Piece<'_>, caller: Caller) -> Result<(), AfterDeadline> {
        let (limits, zone, class) = (&self.shared.limits, self.zone, piece.class());
        let (deadline, of_address) = (self.deadline.rate_limit_deadline(), self.deadline.address_deadline());
        loop {
            limits.check_caller(zone, caller, class, deadline)?;
            limits.acquire(zone, class, piece.cost(), deadline).await?;
            let acquired = limits.acquire_call(zone, caller, class, deadline, of_address).await;
            if acquired.is_ok() && !limits.is_paused(zone, class) {
                return Ok(());
            }
            // Others share the account. If a pause has begun in the meantime, its end is waited for as any other.
            limits.give_back(zone, class, piece.cost());
            acquired?;
        }
    }
}

impl<T: TokenStore, A: PurgeApi> SendOnce for Attempt<'_, T, A> {
    async fn send_once(
        &self,
        piece: &Piece<'_>,
        token_try: TokenTry,
        held: Option<Admission>,
    ) -> Result<Accepted, AttemptError> {
        let Self { shared, zone, token, deadline } = self;
        // The admission comes before the token is read: the store's limit is shared. Each piece gets a second try,
        // because a good token may be refused for a moment.
        let admission = match token_try {
            TokenTry::First => {
                Some(deadline.before_deadline("its team's other zones were answered", token.admit()).await??)
            }
            TokenTry::Second => held,
        };
        let read = "its token was read";
        let (credential, _) = deadline.before_deadline(read, token.credential(token_try)).await??;
        // The rate limits come last: a request that passed them is sent at once, and one that is never sent uses up
        // nothing of a limit that others share.
        self.acquire(piece, Caller::from(&credential)).await?;
        // While this waited for the rate limit, another request may have been refused and have read the token afresh.
        let credential = deadline.before_deadline(read, token.credential(token_try)).await?;
        let (credential, freshness) = credential?;

        if deadline.left().is_zero() {
            return Err(NotSent::DeadlineExceeded("it was sent").into());
        }
        let timeout = shared.settings.request_timeout.min(deadline.retry_for()).min(deadline.left());
        let target = Target { zone_id: &zone.zone_id, environment: piece.environment() };
        let answer = shared.api.purge(&credential, target, piece.mode(), &piece.body(), timeout).await;
        token.record(freshness, token_try, &answer);
        if answer.is_ok() {
            shared.limits.accepted(zone, piece.class());
        }
        answer.map_err(|refusal| AttemptError::Refused { refusal, admission, timeout })
    }
}

#[cfg(test)]
mod tests;
