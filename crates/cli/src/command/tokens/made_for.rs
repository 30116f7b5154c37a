//! The names of the tokens that rotations make. They are all that is kept of a rotation: by them another one knows what the
//! first has left.

use purge_router_cloudflare::TokenDetails;
use purge_router_config::checksum_of_texts;
use purge_router_core::names::CloudflareId;

use super::Place;

/// The longest name of a token.
const LONGEST_NAME: usize = 120;

/// What a token was made for, as its name tells: `purge-router <zone id> <place> replaces <token's id> <domain>`.
pub(super) struct MadeFor<'p> {
    place: &'p Place,
    /// A checksum of the parameter. The same zone may have a token in another AWS account, which is nothing of ours; and a
    /// parameter may hold that of several zones, of which the name has the first.
    checksum: String,
}

impl<'p> MadeFor<'p> {
    pub(super) fn new(place: &'p Place, arn: &str) -> Self {
        Self { place, checksum: checksum_of_texts(&[arn, place.parameter()])[..8].to_owned() }
    }

    pub(super) fn name(&self, old: Option<&CloudflareId>) -> String {
        let (zone_id, domain) = (&self.place.zone().zone_id, &self.place.zone().domain);
        let old = old.map_or("nothing", CloudflareId::as_str);
        let name = format!("purge-router {zone_id} {} replaces {old} {domain}", self.checksum);
        name.chars().take(LONGEST_NAME).collect()
    }

    pub(super) fn is_of(&self, token: &TokenDetails) -> bool {
        let words: Vec<&str> = token.name.split(' ').collect();
        matches!(words[..], ["purge-router", _, checksum, "replaces", _, ..] if checksum == self.checksum)
    }

    /// The token that one of these replaces.
    pub(super) fn replaced_by(&self, token: &TokenDetails) -> Option<CloudflareId> {
        CloudflareId::parse(token.name.split(' ').nth(4)?).ok()
    }
}
