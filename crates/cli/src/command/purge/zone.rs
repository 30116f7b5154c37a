//! Which zone an item is purged in. If several zones could be meant, the caller must choose.

use std::sync::Arc;

use purge_router_core::names::{Hostname, TeamName};
use purge_router_core::{Mappings, Zone, near_hostname};

use crate::exit::Misuse;
use crate::zone_choice::{ambiguous, check_teams, unknown_zone};

/// The zones to choose from, restricted by `--team` and `--zone`.
pub(super) struct ZoneChoice<'m> {
    /// All zones, or those of the team.
    zones: Vec<&'m Arc<Zone>>,
    all: Vec<&'m Arc<Zone>>,
    team: Option<&'m TeamName>,
    named: Option<&'m Arc<Zone>>,
}

impl<'m> ZoneChoice<'m> {
    /// # Errors
    /// The team or the zone is unknown, or several teams have a zone of this domain.
    pub(super) fn new(
        mappings: &'m Mappings,
        domain: Option<&str>,
        team: Option<&'m TeamName>,
    ) -> Result<Self, Misuse> {
        check_teams(mappings, team.map(std::slice::from_ref).unwrap_or_default())?;
        let zones: Vec<_> = mappings.zones().filter(|zone| team.is_none_or(|team| zone.team == *team)).collect();
        let named = domain.map(|domain| named(&zones, domain)).transpose()?;
        Ok(Self { zones, all: mappings.zones().collect(), team, named })
    }

    /// The zone of `--zone`.
    pub(super) fn named(&self) -> Option<&'m Arc<Zone>> {
        self.named
    }

    /// The zone that serves a host: the one of `--zone`, or else the one that lists the host, or else the one with the
    /// longest domain that the host is in.
    ///
    /// # Errors
    /// No zone serves it, or several do.
    pub(super) fn serving(&self, host: &str) -> Result<&'m Arc<Zone>, Misuse> {
        let host = Hostname::parse(&host.to_ascii_lowercase()).map_err(|invalid| Misuse(invalid.to_string()))?;
        if let Some(zone) = self.named {
            let is_served = zone.hostnames.contains(&host) || host.is_within(&zone.domain);
            return is_served.then_some(zone).ok_or_else(|| not_in_zone(&host, zone));
        }
        let mut candidates = self.zones_where(|zone| zone.hostnames.contains(&host));
        if candidates.is_empty() {
            candidates = self.zones_where(|zone| host.is_within(&zone.domain));
            let longest = candidates.iter().map(|zone| zone.domain.as_str().len()).max();
            candidates.retain(|zone| Some(zone.domain.as_str().len()) == longest);
        }
        match candidates[..] {
            [zone] => Ok(zone),
            [] => Err(self.not_served(&host)),
            _ => Err(ambiguous(format!("several zones serve `{host}`"), &plain(&candidates))),
        }
    }

    /// A hostname that may be purged, for an example.
    pub(super) fn any_hostname(&self) -> &'m str {
        let hostnames = self.zones.iter().flat_map(|zone| &zone.hostnames);
        hostnames.map(Hostname::as_str).next().unwrap_or("www.example.com")
    }

    fn not_served(&self, host: &Hostname) -> Misuse {
        let is_served = |zone: &&Arc<Zone>| zone.hostnames.contains(host) || host.is_within(&zone.domain);
        let known = self.zones.iter().flat_map(|zone| &zone.hostnames).map(Hostname::as_str);
        Misuse(match (self.team, self.all.iter().copied().find(is_served), near_hostname(host.as_str(), known)) {
            (Some(team), Some(zone), _) => {
                format!("`{host}` is in the zone {} of team {}, and not of team {team}", zone.domain, zone.team)
            }
            (_, _, Some(near)) => format!("no zone serves `{host}`; did you mean {near}?"),
            _ => format!("no zone serves `{host}`; add it to the zone's hostnames"),
        })
    }

    fn zones_where(&self, is_candidate: impl Fn(&Zone) -> bool) -> Vec<&'m Arc<Zone>> {
        self.zones.iter().filter(|zone| is_candidate(zone)).copied().collect()
    }
}

fn named<'m>(zones: &[&'m Arc<Zone>], domain: &str) -> Result<&'m Arc<Zone>, Misuse> {
    let domain = domain.to_ascii_lowercase();
    let candidates: Vec<_> = zones.iter().filter(|zone| zone.domain.as_str() == domain).copied().collect();
    match candidates[..] {
        [zone] => Ok(zone),
        [] => Err(unknown_zone(domain, zones.iter().map(|zone| &***zone))),
        _ => Err(ambiguous(format!("several teams have the zone {domain}"), &plain(&candidates))),
    }
}

fn plain<'m>(zones: &[&'m Arc<Zone>]) -> Vec<&'m Zone> {
    zones.iter().map(|zone| &***zone).collect()
}

fn not_in_zone(host: &Hostname, zone: &Zone) -> Misuse {
    Misuse(format!("`{host}` is not in the zone `{}`", zone.domain))
}
