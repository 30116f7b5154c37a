//! Parameters in SSM, each with the zones whose token it holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::bail;
use purge_router_core::Zone;
use purge_router_core::names::{CloudflareId, KmsKey, TeamName};

/// A zone, and the KMS key that its team's tokens are encrypted with.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) zone: Arc<Zone>,
    pub(super) kms_key: Option<KmsKey>,
}

impl Target {
    pub(super) fn parameter(&self) -> &str {
        self.zone.token.as_str()
    }
}

/// A parameter, and the zones whose token it holds: usually one, never none.
#[derive(Debug, Clone)]
pub(super) struct TokenSlot {
    pub(super) targets: Vec<Target>,
}

impl TokenSlot {
    pub(super) fn of(target: &Target) -> Self {
        Self { targets: vec![target.clone()] }
    }

    /// Groups zones by parameter, in the order of their first zones.
    pub(super) fn group(targets: &[Target]) -> Vec<Self> {
        let mut slots: Vec<Self> = Vec::new();
        for target in targets {
            match slots.iter_mut().find(|slot| slot.parameter() == target.parameter()) {
                Some(slot) => slot.targets.push(target.clone()),
                None => slots.push(Self::of(target)),
            }
        }
        slots
    }

    pub(super) fn parameter(&self) -> &str {
        self.targets[0].parameter()
    }

    /// The first of its zones.
    pub(super) fn zone(&self) -> &Zone {
        &self.targets[0].zone
    }

    pub(super) fn zones(&self) -> impl Iterator<Item = &Zone> {
        self.targets.iter().map(|target| &*target.zone)
    }

    /// `website.com of team web`, `website.com and website.dev of team web`.
    pub(super) fn name(&self) -> String {
        let teams: BTreeSet<&TeamName> = self.zones().map(|zone| &zone.team).collect();
        let of_team = |team: &&TeamName| {
            let domains: Vec<&str> =
                self.zones().filter(|zone| zone.team == **team).map(|zone| zone.domain.as_str()).collect();
            format!("{} of team {team}", domains.join(" and "))
        };
        teams.iter().map(of_team).collect::<Vec<_>>().join(" and ")
    }

    /// The key that the token is encrypted with; `None`: the AWS account's own.
    pub(super) fn kms_key(&self) -> Option<&KmsKey> {
        self.targets[0].kms_key.as_ref()
    }

    /// The account that owns the token; `None`: no zone has one, so the token is a user's.
    pub(super) fn account_id(&self) -> Option<&CloudflareId> {
        self.zones().find_map(|zone| zone.account_id.as_ref())
    }

    /// Checks that its zones can share a token: they have the same KMS key, and no two accounts.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.targets.iter().any(|target| target.kms_key.as_ref() != self.kms_key()) {
            bail!("{} is used by {}, which have different KMS keys; fix their grants", self.parameter(), self.name());
        }
        let mut accounts = self.zones().filter_map(|zone| zone.account_id.as_ref());
        if accounts.any(|account| Some(account) != self.account_id()) {
            bail!("{} share a token, but have different accounts; give each account's zones their own", self.name());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";
    const OTHER: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

    /// A slot of two zones of one team, with these accounts.
    fn slot(accounts: [Option<&str>; 2]) -> TokenSlot {
        let zone = |index: usize| {
            let account = accounts[index].map(|id| format!("account_id = \"{id}\"\n")).unwrap_or_default();
            format!(
                "[teams.web.zones.\"zone{index}.com\"]\nzone_id = \"{index:032}\"\nhostnames = [\"zone{index}.com\"]\n\
                 token = \"both\"\n{account}"
            )
        };
        let text = format!("version = 1\n[teams.web]\nowns = []\n{}{}", zone(0), zone(1));
        let mappings = purge_router_config::from_toml(&text).unwrap();
        let target = |zone: &Arc<Zone>| Target { zone: Arc::clone(zone), kms_key: None };
        let targets: Vec<Target> = mappings.zones().map(target).collect();
        let mut slots = TokenSlot::group(&targets);
        assert_eq!((slots.len(), slots[0].name().as_str()), (1, "zone0.com and zone1.com of team web"));
        slots.remove(0)
    }

    #[test]
    fn the_account_of_a_shared_token_is_that_of_any_zone_that_has_one() {
        for (accounts, expected) in [
            ([None, None], None),
            ([Some(ONE), None], Some(ONE)),
            ([None, Some(ONE)], Some(ONE)),
            ([Some(ONE), Some(ONE)], Some(ONE)),
        ] {
            let slot = slot(accounts);
            slot.check().unwrap();
            assert_eq!(slot.account_id().map(CloudflareId::as_str), expected, "{accounts:?}");
        }
    }

    #[test]
    fn zones_of_different_accounts_share_no_token() {
        let error = slot([Some(ONE), Some(OTHER)]).check().unwrap_err().to_string();
        assert!(error.starts_with("zone0.com and zone1.com of team web share a token"), "{error}");
    }

    #[test]
    fn teams_with_different_keys_share_no_parameter() {
        let mut slot = slot([None, None]);
        slot.targets[1].kms_key = Some(KmsKey::parse("alias/other").unwrap());
        let error = slot.check().unwrap_err().to_string();
        assert!(error.contains("different KMS keys"), "{error}");
    }
}
