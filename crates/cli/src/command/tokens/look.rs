//! What is known of one zone's token: what lies in SSM, and what Cloudflare says of it.

use std::time::Duration;

use purge_router_aws::{ReadError, Stored};
use purge_router_cloudflare::{
    ApiToken, Client, Credential, Meaning, Refusal, TokenKind, TokenOwner, TokenStatus, Verified,
};
use purge_router_core::{Body, Item, Mode, Zone};
use tokio::time::{Instant, sleep};

use super::{Place, World};
use crate::environment::AWS_SETTINGS_HELP;

/// How often a token is looked at before it is taken for dead, and after which time again.
const LOOKS: u32 = 4;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// How long a new token may take until Cloudflare knows it everywhere.
const SPREADING: Duration = Duration::from_secs(20);

/// The longest time for one purge.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What Cloudflare knows of a token.
#[derive(Debug)]
pub(super) enum Known {
    /// Whose it is, and its state.
    As(TokenOwner, Verified),
    /// It is not known, or there was no answer.
    Not(Refusal),
    /// It is an account's, and nobody wrote which, or another.
    OfSomeAccount,
    /// It is a user's global key.
    GlobalKey,
}

/// What is known of the token in one parameter.
pub(super) struct Look {
    pub(super) place: Place,
    pub(super) stored: Result<Stored, ReadError>,
    pub(super) known: Option<Known>,
}

impl World {
    pub(super) async fn look(&self, place: &Place) -> Look {
        let stored = self.parameters.read(place.parameter()).await;
        let token = stored.as_ref().ok().and_then(|stored| stored.token.as_ref().ok());
        let known = match token {
            Some(token) => Some(known(&self.client, token, place.zone()).await),
            None => None,
        };
        Look { place: place.clone(), stored, known }
    }

    /// The same, where much depends on it: a good token may be refused once, and one that is not known where it is asked for
    /// may purge all the same.
    pub(super) async fn sure_look(&self, place: &Place) -> Look {
        let mut look = self.look(place).await;
        for nth in 1..=LOOKS {
            let Some(token) = look.token().filter(|_| look.is_in_doubt()) else { break };
            let known = match try_purge(&self.client, token, place.zone()).await {
                // Known or not, it is a token.
                Ok(()) => Known::OfSomeAccount,
                Err(refusal) if refusal.meaning == Meaning::TokenRefused && !is_dead(&refusal) => Known::OfSomeAccount,
                Err(refusal) => Known::Not(refusal),
            };
            let is_sure = !look.is_dead() && !matches!(&known, Known::Not(refusal) if is_dead(refusal));
            if is_sure || nth == LOOKS {
                look.known = Some(known);
                break;
            }
            sleep(BETWEEN_LOOKS).await;
            look = self.look(place).await;
        }
        look
    }

    /// Waits until a new secret is good for its zones.
    pub(super) async fn tried(&self, place: &Place, owner: &TokenOwner, secret: &ApiToken) -> anyhow::Result<()> {
        let deadline = Instant::now() + SPREADING;
        let mut wait = Duration::from_millis(100);
        let mut left = place.targets.iter().peekable();
        let mut is_active = false;
        while let Some(target) = left.peek() {
            let refusal = match is_active {
                false => match self.client.verify(secret, owner).await {
                    Ok(verified) if verified.status == TokenStatus::Active => {
                        is_active = true;
                        continue;
                    }
                    Ok(_) => anyhow::anyhow!("it is not active"),
                    Err(refusal) => refusal.into(),
                },
                true => match try_purge(&self.client, secret, &target.zone).await {
                    Ok(()) => {
                        left.next();
                        continue;
                    }
                    Err(refusal) if refusal.meaning == Meaning::TokenRefused => {
                        anyhow::Error::msg(may_not_purge(&target.zone, &refusal))
                    }
                    Err(refusal) => refusal.into(),
                },
            };
            if Instant::now() + wait > deadline {
                return Err(refusal);
            }
            sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
        Ok(())
    }
}

/// Whether Cloudflare does not know a token at all. One may also be refused for where it is used, or for what.
fn is_dead(refusal: &Refusal) -> bool {
    refusal.meaning == Meaning::TokenRefused && matches!(refusal.status, Some(400 | 401))
}

impl Look {
    pub(super) fn token(&self) -> Option<&ApiToken> {
        self.stored.as_ref().ok()?.token.as_ref().ok()
    }

    pub(super) fn verified(&self) -> Option<(&TokenOwner, &Verified)> {
        match &self.known {
            Some(Known::As(owner, verified)) => Some((owner, verified)),
            _ => None,
        }
    }

    /// Whether Cloudflare does not know the token.
    pub(super) fn is_dead(&self) -> bool {
        matches!(&self.known, Some(Known::Not(refusal)) if is_dead(refusal))
    }

    /// Whether verifying did not tell what it is, and a purge may.
    fn is_in_doubt(&self) -> bool {
        self.is_dead() || matches!(self.known, Some(Known::OfSomeAccount))
    }

    /// What keeps the token from being used, with the way out; nothing where all that was looked at is fine.
    pub(super) fn problem(&self) -> Option<String> {
        let stored = match &self.stored {
            Ok(stored) => stored,
            Err(ReadError::Absent) => {
                let (parameter, zone) = (self.place.parameter(), &self.place.zone().domain);
                let help = format!("`purge-router tokens put --zone {zone}` stores one");
                return Some(format!("SSM has no parameter {parameter} in this region: {help}"));
            }
            Err(error @ ReadError::Settings(_)) => return Some(with_help(error, Some(AWS_SETTINGS_HELP))),
            Err(error) => return Some(with_help(error, error.help())),
        };
        if !stored.is_secure() {
            let error = ReadError::NotSecure(stored.kind.clone());
            return Some(with_help(&error, error.help()));
        }
        if let Err(error) = &stored.token {
            return Some(format!("{error}; store the token there again, and nothing else"));
        }
        match self.known.as_ref()? {
            Known::As(_, verified) => match verified.status {
                TokenStatus::Active => None,
                TokenStatus::Disabled => Some("it is disabled: enable it at Cloudflare, or store another".to_owned()),
                TokenStatus::Expired => Some("it has expired: store another, or rotate it".to_owned()),
            },
            Known::Not(refusal) if is_dead(refusal) => {
                Some(format!("Cloudflare does not know it ({refusal}): store another"))
            }
            Known::Not(refusal) if refusal.meaning == Meaning::TokenRefused => {
                Some(format!("it may not be used from here, or not at all: {refusal}"))
            }
            Known::Not(refusal) => Some(format!("Cloudflare does not tell what it is: {refusal}")),
            // It can be used all the same.
            Known::OfSomeAccount => None,
            Known::GlobalKey => {
                Some("it is a global key, which may do all that its user may: store a token in its place".to_owned())
            }
        }
    }
}

fn with_help(error: &ReadError, help: Option<&str>) -> String {
    help.map_or_else(|| error.to_string(), |help| format!("{error}: {help}"))
}

/// What Cloudflare knows of a token of this zone. Whose it is, its beginning tells, or else it is asked for at both.
pub(super) async fn known(client: &Client, token: &ApiToken, zone: &Zone) -> Known {
    let of_account = zone.account_id.clone().map(TokenOwner::Account);
    let owners: Vec<TokenOwner> = match token.kind() {
        Some(TokenKind::GlobalKey) => return Known::GlobalKey,
        Some(TokenKind::OfUser) => vec![TokenOwner::User],
        Some(TokenKind::OfAccount) => of_account.into_iter().collect(),
        None => of_account.into_iter().chain([TokenOwner::User]).collect(),
    };
    let mut refused = None;
    for owner in owners {
        match client.verify(token, &owner).await {
            Ok(verified) => return Known::As(owner, verified),
            Err(refusal) if refusal.meaning == Meaning::TokenRefused => refused = Some(refusal),
            Err(refusal) => return Known::Not(refusal),
        }
    }
    refused.map_or(Known::OfSomeAccount, Known::Not)
}

/// Whether a token may purge a zone, tried with a URL that nobody has.
pub(super) async fn try_purge(client: &Client, token: &ApiToken, zone: &Zone) -> Result<(), Refusal> {
    let nonce = fastrand::u64(..);
    let hostname = zone.hostnames.first().unwrap_or(&zone.domain);
    let item = Item::Url(format!("https://{hostname}/.purge-router/{nonce:016x}"));
    let credential = Credential::Token(token.clone());
    client.send(&credential, &zone.zone_id, Mode::Purge, &Body::of(&item), TIMEOUT).await.map(drop)
}

/// What to do where a token's account is not known.
pub(super) const NAME_ACCOUNT: &str = "write that account as the zone's `account_id`";

/// What to do where a token may not purge a zone.
pub(super) fn may_not_purge(zone: &Zone, refusal: &Refusal) -> String {
    let Zone { domain, zone_id, .. } = zone;
    let help = "give it Zone · Cache Purge · Purge for this zone, or mend its `zone_id`";
    format!("it may not purge {domain}, zone {zone_id} ({refusal}): {help}")
}
