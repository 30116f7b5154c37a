//! Plans the rotation of a slot: which token is replaced, and what earlier rotations left behind. Nothing is written.

use anyhow::{Context, bail};
use purge_router_cloudflare::{ApiToken, Credential, TokenDetails, TokenOwner};
use purge_router_core::names::CloudflareId;
use time::{Duration, OffsetDateTime};

use crate::args::RotateArgs;
use crate::command::tokens::cleanup::Obsolete;
use crate::command::tokens::context::TokensContext;
use crate::command::tokens::inspect::{Identity, Inspection, SET_ACCOUNT};
use crate::command::tokens::relative_time::relative;
use crate::command::tokens::rotate::rotation::{OwnedToken, Rotation};
use crate::command::tokens::rotation_name::RotationName;
use crate::command::tokens::slot::TokenSlot;

/// How long a rotation that created a token may still be running.
const MAX_RUNNING: Duration = Duration::minutes(10);

/// How many tokens Cloudflare allows a user and an account.
const MAX_USER_TOKENS: usize = 50;
const MAX_ACCOUNT_TOKENS: usize = 500;

/// Who owns a token, as far as the admin token can see.
enum Visibility {
    Owned(TokenOwner),
    Absent,
    /// It may exist, but the admin token can't see it.
    Hidden,
}

/// What earlier rotations left behind.
struct Leftovers {
    tokens: Vec<Obsolete>,
    hidden: Vec<CloudflareId>,
}

impl TokensContext {
    pub(super) async fn plan_rotation(
        &self,
        slot: TokenSlot,
        admin: &Credential,
        args: &RotateArgs,
    ) -> anyhow::Result<Rotation> {
        slot.check()?;
        let inspection = self.inspect_carefully(&slot).await;
        let (version, arn, stored) = stored_token(&inspection)?;
        let old = old_token(&inspection)?;
        let owner = slot.account_id().cloned().map_or(TokenOwner::User, TokenOwner::Account);
        let tokens = self.list_tokens(admin, &owner).await?;
        let max_tokens = if owner == TokenOwner::User { MAX_USER_TOKENS } else { MAX_ACCOUNT_TOKENS };
        let room = max_tokens.saturating_sub(tokens.len());
        let rotation_name = RotationName::new(&slot, &arn);
        let created = self.created_by_rotations(&rotation_name, &owner, tokens, admin).await;
        check_not_running(&created, args)?;
        let old_id = old.as_ref().map(|(_, id)| id);
        let Leftovers { tokens: leftovers, hidden } = self.leftovers(&created, old_id, &owner, admin).await?;
        let (new, has_least_rights) = self.new_token(&slot, old.as_ref(), &owner, &rotation_name, admin, args).await?;
        let created_old = created.iter().find(|(_, token)| Some(&token.id) == old_id);
        let replaces = created_old.and_then(|(_, token)| RotationName::replaced_by(token));
        let old = old.map(|(owner, id)| Obsolete { owner, id, replaces });
        Ok(Rotation { version, stored, old, leftovers, hidden, owner, room, new, has_least_rights, slot })
    }

    async fn list_tokens(&self, admin: &Credential, owner: &TokenOwner) -> anyhow::Result<Vec<TokenDetails>> {
        let tokens = self.client.list_tokens(admin, owner).await;
        tokens.with_context(|| match owner {
            TokenOwner::User => {
                "the zone has no `account_id`, so the admin token must be able to read and edit its user's tokens"
                    .to_owned()
            }
            TokenOwner::Account(id) => {
                format!("the admin token must be able to read and edit the tokens of the account {id}")
            }
        })
    }

    /// The tokens that rotations of this slot created: of `tokens`, which are the owner's, and of the user, who owned
    /// the slot's token before the zone had an account.
    async fn created_by_rotations(
        &self,
        rotation_name: &RotationName<'_>,
        owner: &TokenOwner,
        tokens: Vec<TokenDetails>,
        admin: &Credential,
    ) -> Vec<(TokenOwner, TokenDetails)> {
        let of_user = match owner {
            TokenOwner::User => Vec::new(),
            TokenOwner::Account(_) => self.client.list_tokens(admin, &TokenOwner::User).await.unwrap_or_default(),
        };
        let of_owner = tokens.into_iter().map(|token| (owner.clone(), token));
        let all = of_owner.chain(of_user.into_iter().map(|token| (TokenOwner::User, token)));
        all.filter(|(_, token)| rotation_name.matches(token)).collect()
    }

    /// The tokens that rotations created and that are not stored, and those that they replaced and did not delete.
    async fn leftovers(
        &self,
        created: &[(TokenOwner, TokenDetails)],
        old: Option<&CloudflareId>,
        owner: &TokenOwner,
        admin: &Credential,
    ) -> anyhow::Result<Leftovers> {
        let obsolete = |(owner, token): &(TokenOwner, TokenDetails)| Obsolete {
            owner: owner.clone(),
            id: token.id.clone(),
            replaces: RotationName::replaced_by(token),
        };
        let mut tokens: Vec<Obsolete> =
            created.iter().filter(|(_, token)| Some(&token.id) != old).map(obsolete).collect();
        let mut hidden = Vec::new();
        for id in created.iter().filter_map(|(_, token)| RotationName::replaced_by(token)) {
            if Some(&id) == old || tokens.iter().any(|token| token.id == id) || hidden.contains(&id) {
                continue;
            }
            match self.visibility(admin, owner, &id).await? {
                Visibility::Owned(owner) => tokens.push(Obsolete { owner, id, replaces: None }),
                Visibility::Absent => {}
                Visibility::Hidden => hidden.push(id),
            }
        }
        Ok(Leftovers { tokens, hidden })
    }

    async fn visibility(
        &self,
        admin: &Credential,
        owner: &TokenOwner,
        id: &CloudflareId,
    ) -> anyhow::Result<Visibility> {
        let mut visibility = Visibility::Absent;
        let user = (*owner != TokenOwner::User).then_some(TokenOwner::User);
        for owner in std::iter::once(owner.clone()).chain(user) {
            match self.client.token(admin, &owner, id).await {
                Ok(Some(_)) => return Ok(Visibility::Owned(owner)),
                Ok(None) => {}
                // An admin token that can see the account's tokens can't always see the user's.
                Err(refusal) if refusal.status == Some(403) => visibility = Visibility::Hidden,
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(visibility)
    }
}

/// The version, the ARN and the content of the slot's parameter.
fn stored_token(inspection: &Inspection) -> anyhow::Result<(i64, String, ApiToken)> {
    match (&inspection.stored, inspection.token()) {
        (Ok(stored), Some(token)) if stored.is_secure() => Ok((stored.version, stored.arn.clone(), token.clone())),
        _ => bail!("{}: {}", inspection.slot.parameter(), inspection.problem().unwrap_or_default()),
    }
}

/// The stored token at Cloudflare; `None`: Cloudflare does not know it.
fn old_token(inspection: &Inspection) -> anyhow::Result<Option<OwnedToken>> {
    match &inspection.identity {
        Some(Identity::Verified(owner, verified)) => Ok(Some((owner.clone(), verified.id.clone()))),
        // A token that is refused only for the caller's address still works elsewhere.
        Some(Identity::Unverified(refusal)) if !inspection.is_invalid() => {
            bail!("couldn't verify the stored token: {refusal}")
        }
        Some(Identity::UnknownAccount) => {
            bail!("the stored token belongs to an account, and the zone has none or another: {SET_ACCOUNT}")
        }
        Some(Identity::GlobalKey) => {
            bail!("a user's global key is stored: store a token with `tokens put --overwrite`, and revoke the key")
        }
        Some(Identity::Unverified(_)) | None => Ok(None),
    }
}

/// Refuses to rotate beside another rotation that created a token a short while ago.
fn check_not_running(created: &[(TokenOwner, TokenDetails)], args: &RotateArgs) -> anyhow::Result<()> {
    let newest = created.iter().filter_map(|(_, token)| token.issued_on).max();
    match newest.filter(|created_at| OffsetDateTime::now_utc() - *created_at < MAX_RUNNING) {
        Some(created_at) if !args.take_over => bail!(
            "a token was created for it {}, by a rotation that may still be running: wait for it, or add --take-over",
            relative(created_at)
        ),
        _ => Ok(()),
    }
}
