//! What one rotation does.

use purge_router_cloudflare::{ApiToken, NewToken, TokenOwner};
use purge_router_core::names::CloudflareId;

use crate::command::tokens::cleanup::Obsolete;
use crate::command::tokens::relative_time::relative;
use crate::command::tokens::slot::TokenSlot;
use crate::print;

/// A token at Cloudflare.
pub(super) type OwnedToken = (TokenOwner, CloudflareId);

pub(super) struct Rotation {
    pub(super) slot: TokenSlot,
    /// The parameter's version, and what it held.
    pub(super) version: i64,
    pub(super) stored: ApiToken,
    /// The stored token at Cloudflare; `None`: Cloudflare no longer knows it.
    pub(super) old: Option<Obsolete>,
    /// Tokens that earlier rotations left behind.
    pub(super) leftovers: Vec<Obsolete>,
    /// Tokens that leftovers replaced, and that the admin token can't see.
    pub(super) hidden: Vec<CloudflareId>,
    /// Owner of the new token.
    pub(super) owner: TokenOwner,
    /// How many more tokens the owner can have.
    pub(super) room: usize,
    pub(super) new: NewToken,
    /// Whether the new token's permissions follow from the zones, and not from the old token.
    pub(super) has_least_rights: bool,
}

impl Rotation {
    /// The id and the secret of the token that is replaced.
    pub(super) fn old_with_secret(&self) -> Option<(&CloudflareId, &ApiToken)> {
        self.old.as_ref().map(|old| (&old.id, &self.stored))
    }

    /// `website.com of team web: create a user token (never expires, …), store it in …, then delete …`.
    pub(super) fn summary(&self) -> String {
        let (name, parameter) = (print::bold(self.slot.name()), self.slot.parameter());
        let owner = if self.owner == TokenOwner::User { "a user" } else { "an account" };
        let expiry =
            self.new.expires_on.map_or_else(|| "never expires".to_owned(), |end| format!("expires {}", relative(end)));
        let addresses = match &self.new.condition {
            Some(condition) => format!("usable if {condition}"),
            None => "usable from any address".to_owned(),
        };
        let rights = self.has_least_rights.then(|| {
            let zones: Vec<String> =
                self.slot.zones().map(|zone| format!("{} ({})", zone.domain, zone.zone_id)).collect();
            format!(" that can only purge {}", zones.join(", "))
        });
        let rights = rights.unwrap_or_default();
        let deletion = self.deletion();
        format!("{name}: create {owner} token{rights} ({expiry}, {addresses}), store it in {parameter}{deletion}")
    }

    fn deletion(&self) -> String {
        let ids: Vec<&str> = self.old.iter().chain(&self.leftovers).map(|token| token.id.as_str()).collect();
        let ids = ids.join(", ");
        match (&self.old, ids.is_empty()) {
            (_, true) => "; the stored token is already refused, so nothing is deleted".to_owned(),
            (Some(_), false) => format!(", then delete {ids}"),
            (None, false) => format!(", then delete {ids}; the stored token is already refused"),
        }
    }
}
