//! What is known of one token: what SSM holds, and what Cloudflare says about it.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use purge_router_aws::{ReadError, Stored};
use purge_router_cloudflare::{ApiToken, Client, Meaning, Refusal, TokenKind, TokenOwner, TokenStatus, Verified};
use tokio::time::sleep;

use crate::command::tokens::context::{CONCURRENCY, TokensContext};
use crate::command::tokens::probe::try_purge;
use crate::command::tokens::slot::{Target, TokenSlot};
use crate::environment::AWS_SETTINGS_HELP;
use crate::print;

/// How often a token is inspected before it counts as invalid, and the pause in between.
const MAX_INSPECTIONS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);

/// The fix if a token's account is unknown.
pub(super) const SET_ACCOUNT: &str = "set the zone's `account_id` to the token's account";

/// What Cloudflare says about a token.
#[derive(Debug)]
pub(super) enum Identity {
    Verified(TokenOwner, Verified),
    /// Cloudflare refused it, or did not answer.
    Unverified(Refusal),
    /// It is an account's token, but the zone has no account, or another one.
    UnknownAccount,
    GlobalKey,
}

/// What is known of the token in one slot.
pub(super) struct Inspection {
    pub(super) slot: TokenSlot,
    pub(super) stored: Result<Stored, ReadError>,
    /// `None`: SSM holds no token.
    pub(super) identity: Option<Identity>,
}

impl TokensContext {
    pub(super) async fn inspect(&self, slot: &TokenSlot) -> Inspection {
        let stored = self.parameters.read(slot.parameter()).await;
        let token = stored.as_ref().ok().and_then(|stored| stored.token.as_ref().ok());
        let identity = match token {
            Some(token) => Some(identify(&self.client, token, slot).await),
            None => None,
        };
        Inspection { slot: slot.clone(), stored, identity }
    }

    /// Inspects a token before a decision that depends on it. Cloudflare may refuse a good token once, and a token that
    /// its verification does not know may still purge, so this repeats and tries a purge.
    pub(super) async fn inspect_carefully(&self, slot: &TokenSlot) -> Inspection {
        let mut inspection = self.inspect(slot).await;
        for attempt in 1..=MAX_INSPECTIONS {
            let Some(token) = inspection.token().filter(|_| inspection.is_in_doubt()) else { break };
            let identity = match try_purge(&self.client, token, slot.zone()).await {
                // Verified or not, Cloudflare knows the token.
                Ok(()) => Identity::UnknownAccount,
                Err(refusal) if refusal.meaning == Meaning::TokenRefused && !is_invalid(&refusal) => {
                    Identity::UnknownAccount
                }
                Err(refusal) => Identity::Unverified(refusal),
            };
            let is_certain = !inspection.is_invalid() && !identity.is_invalid();
            if is_certain || attempt == MAX_INSPECTIONS {
                inspection.identity = Some(identity);
                break;
            }
            sleep(PAUSE).await;
            inspection = self.inspect(slot).await;
        }
        inspection
    }

    /// Inspects every parameter of the teams.
    pub(super) async fn inspect_all(&self) -> Vec<Inspection> {
        let all: Vec<Target> = self.targets.iter().chain(&self.other_targets).cloned().collect();
        let inspections = TokenSlot::group(&all).into_iter();
        let inspections = inspections.map(|slot| async move { self.inspect_carefully(&slot).await });
        stream::iter(inspections).buffered(CONCURRENCY).collect().await
    }
}

/// Asks Cloudflare about a token of this slot. The token's prefix says whether a user or an account owns it; an old
/// token has none, and is verified at both.
pub(super) async fn identify(client: &Client, token: &ApiToken, slot: &TokenSlot) -> Identity {
    let account = slot.account_id().cloned().map(TokenOwner::Account);
    let owners: Vec<TokenOwner> = match token.kind() {
        Some(TokenKind::GlobalKey) => return Identity::GlobalKey,
        Some(TokenKind::OfUser) => vec![TokenOwner::User],
        Some(TokenKind::OfAccount) => account.into_iter().collect(),
        None => account.into_iter().chain([TokenOwner::User]).collect(),
    };
    let mut last_refusal = None;
    for owner in owners {
        match client.verify(token, &owner).await {
            Ok(verified) => return Identity::Verified(owner, verified),
            Err(refusal) if refusal.meaning == Meaning::TokenRefused => last_refusal = Some(refusal),
            Err(refusal) => return Identity::Unverified(refusal),
        }
    }
    last_refusal.map_or(Identity::UnknownAccount, Identity::Unverified)
}

/// Whether Cloudflare does not know the token at all. A known one may be refused for the caller's address or the zone.
fn is_invalid(refusal: &Refusal) -> bool {
    refusal.meaning == Meaning::TokenRefused && matches!(refusal.status, Some(400 | 401))
}

impl Identity {
    fn is_invalid(&self) -> bool {
        matches!(self, Self::Unverified(refusal) if is_invalid(refusal))
    }

    /// Why the token can't be used, and the fix.
    fn problem(&self) -> Option<String> {
        match self {
            Self::Verified(_, verified) => match verified.status {
                TokenStatus::Active => None,
                TokenStatus::Disabled => Some("it is disabled: enable it at Cloudflare, or store another".to_owned()),
                TokenStatus::Expired => Some("it has expired: store another, or rotate it".to_owned()),
            },
            Self::Unverified(refusal) if is_invalid(refusal) => {
                Some(format!("Cloudflare does not know it ({refusal}): store another"))
            }
            Self::Unverified(refusal) if refusal.meaning == Meaning::TokenRefused => {
                Some(format!("it can't be used from this address, or not at all: {refusal}"))
            }
            Self::Unverified(refusal) => Some(format!("couldn't verify it: {refusal}")),
            // Unverified, but usable.
            Self::UnknownAccount => None,
            Self::GlobalKey => {
                Some("it is a global key, which can do everything that its user can: store a token instead".to_owned())
            }
        }
    }
}

impl Inspection {
    pub(super) fn token(&self) -> Option<&ApiToken> {
        self.stored.as_ref().ok()?.token.as_ref().ok()
    }

    pub(super) fn verified(&self) -> Option<(&TokenOwner, &Verified)> {
        match &self.identity {
            Some(Identity::Verified(owner, verified)) => Some((owner, verified)),
            _ => None,
        }
    }

    /// Whether Cloudflare does not know the token.
    pub(super) fn is_invalid(&self) -> bool {
        self.identity.as_ref().is_some_and(Identity::is_invalid)
    }

    /// Whether verification left open what the token is, so that only a purge can show it.
    fn is_in_doubt(&self) -> bool {
        self.is_invalid() || matches!(self.identity, Some(Identity::UnknownAccount))
    }

    /// Whether the slot may hold a token that is not known here: its secret if `by_secret`, or else its id.
    pub(super) fn may_hold_unknown_token(&self, by_secret: bool) -> bool {
        match (&self.stored, &self.identity) {
            (Err(ReadError::Absent), _) => false,
            (Err(_), _) => true,
            (Ok(_), _) if by_secret => false,
            (Ok(_), Some(Identity::UnknownAccount)) => true,
            (Ok(_), Some(Identity::Unverified(_))) => !self.is_invalid(),
            (Ok(_), _) => false,
        }
    }

    /// Why the token can't be used, and the fix; `None` if everything that was inspected is good.
    pub(super) fn problem(&self) -> Option<String> {
        let stored = match &self.stored {
            Ok(stored) => stored,
            Err(error) => return Some(self.read_problem(error)),
        };
        if !stored.is_secure() {
            let error = ReadError::NotSecure(stored.kind.clone());
            return Some(with_help(&error, error.help()));
        }
        if let Err(error) = &stored.token {
            return Some(format!("{error}; store the token there again, and nothing else"));
        }
        self.identity.as_ref()?.problem()
    }

    fn read_problem(&self, error: &ReadError) -> String {
        match error {
            ReadError::Absent => {
                let (parameter, zone) = (self.slot.parameter(), self.slot.zone());
                let source = print::source_options();
                let put = format!("purge-router tokens put --zone {} --team {}{source}", zone.domain, zone.team);
                format!("SSM has no parameter {parameter} in this region: `{put}` stores one")
            }
            ReadError::Settings(_) => with_help(error, Some(AWS_SETTINGS_HELP)),
            error => with_help(error, error.help()),
        }
    }
}

fn with_help(error: &ReadError, help: Option<&str>) -> String {
    help.map_or_else(|| error.to_string(), |help| format!("{error}: {help}"))
}
