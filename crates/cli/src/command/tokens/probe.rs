//! Whether a token can purge a zone, tried with a purge of a URL that does not exist.

use std::time::Duration;

use purge_router_cloudflare::{ApiToken, Client, Credential, Meaning, Refusal, TokenOwner, TokenStatus, split_advice};
use purge_router_core::{Body, Item, Mode, Zone};
use tokio::time::{Instant, sleep};

use crate::command::tokens::context::TokensContext;
use crate::command::tokens::slot::TokenSlot;

/// How long a new token may take until all of Cloudflare accepts it.
const PROPAGATION: Duration = Duration::from_secs(20);

/// The wait after the first failure; it doubles each time, up to the maximum.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const MAX_WAIT: Duration = Duration::from_secs(5);

const PURGE_TIMEOUT: Duration = Duration::from_secs(30);

/// Purges a URL of the zone that does not exist.
pub(in crate::command) async fn try_purge(client: &Client, token: &ApiToken, zone: &Zone) -> Result<(), Refusal> {
    let nonce = fastrand::u64(..);
    let hostname = zone.hostnames.first().unwrap_or(&zone.domain);
    let item = Item::Url(format!("https://{hostname}/.purge-router/{nonce:016x}"));
    let credential = Credential::Token(token.clone());
    client.send(&credential, &zone.zone_id, Mode::Purge, &Body::of(&item), PURGE_TIMEOUT).await.map(drop)
}

/// That a token can't purge a zone, and the fix.
pub(in crate::command) fn cannot_purge(zone: &Zone, refusal: &Refusal) -> String {
    let Zone { domain, zone_id, .. } = zone;
    let (error, advice) = split_advice(&refusal.message);
    let ray = refusal.ray.as_ref().map(|ray| format!(", CF-Ray {ray}")).unwrap_or_default();
    let help = advice.unwrap_or("give it Zone · Cache Purge · Purge for this zone, or fix the zone's `zone_id`");
    format!("it can't purge {domain}, zone {zone_id} ({error}{ray}): {help}")
}

impl TokensContext {
    /// Waits until a new token is active and can purge every zone of its slot.
    pub(super) async fn wait_until_usable(
        &self,
        slot: &TokenSlot,
        owner: &TokenOwner,
        token: &ApiToken,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + PROPAGATION;
        let mut wait = FIRST_WAIT;
        let mut is_active = false;
        let mut untested = slot.zones().peekable();
        while let Some(zone) = untested.peek() {
            let attempt = match is_active {
                true => self.try_new_token(zone, token).await,
                false => self.check_active(owner, token).await,
            };
            match attempt {
                Ok(()) if is_active => drop(untested.next()),
                Ok(()) => is_active = true,
                Err(error) if Instant::now() + wait > deadline => return Err(error),
                Err(_) => {
                    sleep(wait).await;
                    wait = (wait * 2).min(MAX_WAIT);
                }
            }
        }
        Ok(())
    }

    async fn check_active(&self, owner: &TokenOwner, token: &ApiToken) -> anyhow::Result<()> {
        match self.client.verify(token, owner).await?.status {
            TokenStatus::Active => Ok(()),
            _ => Err(anyhow::anyhow!("it is not active")),
        }
    }

    async fn try_new_token(&self, zone: &Zone, token: &ApiToken) -> anyhow::Result<()> {
        try_purge(&self.client, token, zone).await.map_err(|refusal| match refusal.meaning {
            Meaning::TokenRefused => anyhow::Error::msg(cannot_purge(zone, &refusal)),
            _ => refusal.into(),
        })
    }
}
