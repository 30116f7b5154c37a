//! One request: zone slot → admission → token → rate limit → send.

use std::sync::Arc;

use purge_router_cloudflare::{Accepted, Refusal};
use purge_router_core::Zone;
use purge_router_core::limits::LimitClass;
use tokio::sync::Semaphore;

use super::deadline::Deadline;
use super::failure::NotSent;
use super::piece::Piece;
use crate::api::PurgeApi;
use crate::circuit::{Circuit, Passage};
use crate::shared::Shared;
use crate::store::TokenStore;
use crate::token_health::{Admission, TokenTry, ZoneToken};

/// Sends single requests to one zone.
pub(super) struct Attempt<'e, T, A> {
    pub(super) shared: &'e Shared<T, A>,
    pub(super) zone: &'e Zone,
    pub(super) token: Arc<ZoneToken<'e, T>>,
    pub(super) deadline: Deadline<'e>,
    zone_circuit: Arc<Circuit>,
    slots_for_urls: Semaphore,
    slots_for_requests: Semaphore,
}

/// The answer to a request that was sent.
pub(super) struct AttemptOutcome {
    pub(super) answer: Result<Accepted, Refusal>,
    /// To be held until the second try, if the token was refused.
    pub(super) admission: Option<Admission>,
}

impl<'e, T: TokenStore, A: PurgeApi> Attempt<'e, T, A> {
    pub(super) fn new(
        shared: &'e Shared<T, A>,
        zone: &'e Zone,
        token: Arc<ZoneToken<'e, T>>,
        zone_circuit: Arc<Circuit>,
        deadline: Deadline<'e>,
    ) -> Self {
        let slots = || Semaphore::new(shared.settings.requests_per_zone);
        Self { shared, zone, token, deadline, zone_circuit, slots_for_urls: slots(), slots_for_requests: slots() }
    }

    /// Sends one request. `held` is the admission of the first try, for a second one.
    pub(super) async fn send(
        &self,
        piece: &Piece<'_>,
        token_try: TokenTry,
        held: Option<Admission>,
    ) -> Result<AttemptOutcome, NotSent> {
        let (deadline, class) = (&self.deadline, piece.class());
        // The rate limit comes last: a request that passed it is sent at once, and one that is never sent uses up nothing of a
        // limit that others share.
        let slot = self.slots(class).acquire();
        let _slot = deadline.before_deadline("the zone's other requests were answered", slot).await?;
        // While this waited for a slot or for a retry, another request may have found out that the zone does not answer.
        if let Passage::Blocked(left) = self.zone_circuit.passage(deadline.now()) {
            return Err(NotSent::ZoneCircuitOpen(left));
        }
        // The admission comes before the token is read: the store's limit is shared, too. Each batch gets a second try,
        // because a good token may be refused for a moment.
        let admission = match token_try {
            TokenTry::First => {
                let admit = self.token.admit();
                Some(deadline.before_deadline("its team's other zones were answered", admit).await??)
            }
            TokenTry::Second => held,
        };
        let read = "its token was read";
        deadline.before_deadline(read, self.token.credential(token_try)).await??;
        self.shared.limits.acquire(self.zone, class, piece.cost(), deadline.of_limits()).await?;
        // While this waited for the rate limit, another request may have been refused and have read the token afresh.
        let (credential, freshness) = deadline.before_deadline(read, self.token.credential(token_try)).await??;

        if deadline.left().is_zero() {
            return Err(NotSent::DeadlineExceeded("it was sent"));
        }
        let timeout = self.shared.settings.request_timeout.min(deadline.trouble()).min(deadline.left());
        let (zone_id, mode, body) = (&self.zone.zone_id, piece.mode(), piece.body());
        let answer = self.shared.api.purge(&credential, zone_id, mode, &body, timeout).await;
        self.token.record(freshness, token_try, &answer);
        Ok(AttemptOutcome { answer, admission })
    }

    fn slots(&self, class: LimitClass) -> &Semaphore {
        match class {
            LimitClass::Urls => &self.slots_for_urls,
            LimitClass::Requests => &self.slots_for_requests,
        }
    }
}
