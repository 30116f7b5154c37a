//! The names that rotations give to the tokens that they create. Nothing else is kept of a rotation: a later one reads
//! from the names what an interrupted one left behind.

use purge_router_cloudflare::TokenDetails;
use purge_router_config::Checksum;
use purge_router_core::names::CloudflareId;

use crate::command::tokens::slot::TokenSlot;

/// The longest name that Cloudflare accepts for a token, in characters.
const MAX_NAME_LENGTH: usize = 120;

/// The purpose in a token's name: `purge-router <zone id> <slot> replaces <token id> <domain>`.
pub(super) struct RotationName<'s> {
    slot: &'s TokenSlot,
    /// A checksum of the parameter's ARN and name. The same zone may have a token in another AWS account, which is not
    /// ours to delete; and a parameter may hold the token of several zones, of which the name has the first.
    checksum: String,
}

impl<'s> RotationName<'s> {
    pub(super) fn new(slot: &'s TokenSlot, arn: &str) -> Self {
        Self { slot, checksum: Checksum::of_texts(&[arn, slot.parameter()]).to_string()[..8].to_owned() }
    }

    /// The name of the token that replaces `old`.
    pub(super) fn replacing(&self, old: Option<&CloudflareId>) -> String {
        let (zone_id, domain) = (&self.slot.zone().zone_id, &self.slot.zone().domain);
        let old = old.map_or("nothing", CloudflareId::as_str);
        let name = format!("purge-router {zone_id} {} replaces {old} {domain}", self.checksum);
        name.chars().take(MAX_NAME_LENGTH).collect()
    }

    /// Whether a rotation of this slot created the token.
    pub(super) fn matches(&self, token: &TokenDetails) -> bool {
        let words: Vec<&str> = token.name.split(' ').collect();
        matches!(words[..], ["purge-router", _, checksum, "replaces", _, ..] if checksum == self.checksum)
    }

    /// The id of the token that such a token replaces.
    pub(super) fn replaced_by(token: &TokenDetails) -> Option<CloudflareId> {
        CloudflareId::parse(token.name.split(' ').nth(4)?).ok()
    }
}
