//! The keys of the table's rows: which row is what.

use std::fmt;

use purge_router_core::names::{Hostname, TeamName};

/// The key of a row: what it holds, and whose it is. Its text is `partition/sort key`.
///
/// Keys of one team are ordered as their sort keys are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    /// What a team may map. Only operators write it.
    Grant(TeamName),
    /// One packed part of the rows of a partition as they were after a push.
    Document {
        /// Whose rows.
        partition: Partition,
        /// After which push.
        revision: u64,
        /// Which part, from 0 on.
        part: usize,
    },
    /// A copy of the grant in the team's own partition, for the team to see. The function does not read it.
    GrantCopy(TeamName),
    /// The newest revision of a partition, and a push that is under way.
    Head(Partition),
    /// `TEAM#<team>` and `MAPPING#<id>`.
    Mapping {
        /// The team, which the partition names.
        team: TeamName,
        /// Any text that no other mapping of the team has.
        id: String,
    },
    /// Who pushed what, and when.
    Revision {
        /// To which partition.
        partition: Partition,
        /// Its number, from 1 on.
        revision: u64,
    },
    /// `TEAM#<team>` and `TEST#<id>`. The function does not read it.
    Test {
        /// The team, which the partition names.
        team: TeamName,
        /// Any text that no other test of the team has.
        id: String,
    },
    /// `TEAM#<team>` and `ZONE#<domain>`.
    Zone {
        /// The team, which the partition names.
        team: TeamName,
        /// The zone's domain, valid or not.
        domain: String,
    },
    /// A row that is none of these.
    Other {
        /// The partition, which no release may have written.
        partition: PartitionKey,
        /// The attribute `sk`.
        sort: String,
    },
}

/// The partition of any row of the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartitionKey {
    /// The partition of the grants, or of a team.
    Known(Partition),
    /// The attribute `pk` of a row that is in none of these partitions.
    Unknown(String),
}

/// A part of the table that is edited as a whole and has revisions of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Partition {
    /// The grants of all teams.
    Grants,
    /// The zones, mappings and tests of one team.
    Team(TeamName),
}

/// The largest revision: beyond it, revisions would not be sorted by their numbers any more.
pub const MAX_REVISION: u64 = 9_999_999_999;

/// The largest number of a document's part.
pub const MAX_PART: usize = 9_999;

const GRANTS: &str = "GRANTS";
const TEAM: &str = "TEAM#";
const DOCUMENT: &str = "DOCUMENT#";
const GRANT_COPY: &str = "GRANT";
const HEAD: &str = "HEAD";
const MAPPING: &str = "MAPPING#";
const REVISION: &str = "REVISION#";
const TEST: &str = "TEST#";
const ZONE: &str = "ZONE#";

impl Partition {
    /// Reads the attribute `pk`; `None` if it is neither `GRANTS` nor `TEAM#` with a valid name.
    pub fn parse(pk: &str) -> Option<Self> {
        match pk {
            GRANTS => Some(Self::Grants),
            _ => TeamName::parse(pk.strip_prefix(TEAM)?).ok().map(Self::Team),
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grants => f.write_str(GRANTS),
            Self::Team(team) => write!(f, "{TEAM}{team}"),
        }
    }
}

impl PartitionKey {
    /// Reads the attribute `pk`.
    pub fn parse(pk: &str) -> Self {
        Partition::parse(pk).map_or_else(|| Self::Unknown(pk.to_owned()), Self::Known)
    }
}

impl fmt::Display for PartitionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(partition) => partition.fmt(f),
            Self::Unknown(pk) => f.write_str(pk),
        }
    }
}

impl RowKey {
    /// Reads the attributes `pk` and `sk`. What is not understood is [`RowKey::Other`].
    pub fn parse(pk: &str, sk: &str) -> Self {
        let other = |partition| Self::Other { partition, sort: sk.to_owned() };
        match PartitionKey::parse(pk) {
            PartitionKey::Known(partition) => {
                Self::parse_sort(partition.clone(), sk).unwrap_or_else(|| other(PartitionKey::Known(partition)))
            }
            unknown => other(unknown),
        }
    }

    fn parse_sort(partition: Partition, sk: &str) -> Option<Self> {
        if sk == HEAD {
            return Some(Self::Head(partition));
        }
        if let Some(number) = sk.strip_prefix(REVISION) {
            let key = Self::Revision { partition, revision: number.parse().ok()? };
            return Some(key).filter(|key| key.sort() == sk);
        }
        if let Some(numbers) = sk.strip_prefix(DOCUMENT) {
            let (revision, part) = numbers.split_once('#')?;
            let key = Self::Document { partition, revision: revision.parse().ok()?, part: part.parse().ok()? };
            return Some(key).filter(|key| key.sort() == sk);
        }
        let team = match partition {
            Partition::Grants => return TeamName::parse(sk).ok().map(Self::Grant),
            Partition::Team(team) => team,
        };
        if sk == GRANT_COPY {
            return Some(Self::GrantCopy(team));
        }
        if let Some(id) = sk.strip_prefix(MAPPING) {
            return Some(Self::Mapping { team, id: id.to_owned() });
        }
        if let Some(id) = sk.strip_prefix(TEST) {
            return Some(Self::Test { team, id: id.to_owned() });
        }
        sk.strip_prefix(ZONE).map(|domain| Self::Zone { team, domain: domain.to_owned() })
    }

    /// `TEAM#<team>` and `ZONE#<domain>`, for a domain that is valid.
    pub fn zone(team: &TeamName, domain: &Hostname) -> Self {
        Self::Zone { team: team.clone(), domain: domain.to_string() }
    }

    /// The partition that holds the row. Its text is the attribute `pk`.
    pub fn partition(&self) -> PartitionKey {
        PartitionKey::Known(match self {
            Self::Grant(_) => Partition::Grants,
            Self::Document { partition, .. } | Self::Head(partition) | Self::Revision { partition, .. } => {
                partition.clone()
            }
            Self::GrantCopy(team) | Self::Mapping { team, .. } | Self::Test { team, .. } | Self::Zone { team, .. } => {
                Partition::Team(team.clone())
            }
            Self::Other { partition, .. } => return partition.clone(),
        })
    }

    /// The attribute `sk`: numbers have leading zeros, so that DynamoDB sorts by them.
    pub fn sort(&self) -> String {
        match self {
            Self::Grant(team) => team.to_string(),
            Self::Document { revision, part, .. } => format!("{DOCUMENT}{revision:010}#{part:04}"),
            Self::GrantCopy(_) => GRANT_COPY.to_owned(),
            Self::Head(_) => HEAD.to_owned(),
            Self::Mapping { id, .. } => format!("{MAPPING}{id}"),
            Self::Revision { revision, .. } => format!("{REVISION}{revision:010}"),
            Self::Test { id, .. } => format!("{TEST}{id}"),
            Self::Zone { domain, .. } => format!("{ZONE}{domain}"),
            Self::Other { sort, .. } => sort.clone(),
        }
    }

    /// The key as text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Mapping { team, id } => [TEAM, team.as_str(), "/", MAPPING, id].concat(),
            _ => self.to_string(),
        }
    }

    /// The team that the row is about: the one of a grant, or the one whose partition it is in.
    pub fn team(&self) -> Option<TeamName> {
        match (self, self.partition()) {
            (Self::Grant(team), _) => Some(team.clone()),
            (_, PartitionKey::Known(Partition::Team(team))) => Some(team),
            (_, PartitionKey::Known(Partition::Grants) | PartitionKey::Unknown(_)) => None,
        }
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.partition(), self.sort())
    }
}

/// Ranges of sort keys, both ends included: what a query of a partition asks for.
pub mod ranges {
    /// Of a team's partition: the head, the copy of the grant, mappings, and tests and zones.
    pub const TEAM: [(&str, &str); 2] = [("GRANT", "MAPPING$"), ("TEST#", "ZONE$")];

    /// Of the partition of grants: the head, and grants. The names of teams begin with a digit or a small letter.
    pub const GRANTS: [(&str, &str); 3] = [("HEAD", "HEAD"), ("0", ":"), ("a", "~")];

    /// Of any partition: all but documents and revisions, which are large and many.
    pub const EXCEPT_HISTORY: [(&str, &str); 3] =
        [(" ", "DOCUMENT#"), ("DOCUMENT$", "REVISION#"), ("REVISION$", "\u{10ffff}")];

    /// Of any partition: revisions.
    pub const REVISIONS: (&str, &str) = ("REVISION#0", "REVISION#:");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let web = || TeamName::parse("web").unwrap();
        let team = || Partition::Team(web());
        for (pk, sk, key) in [
            ("GRANTS", "web", RowKey::Grant(web())),
            ("GRANTS", "HEAD", RowKey::Head(Partition::Grants)),
            ("TEAM#web", "HEAD", RowKey::Head(team())),
            ("TEAM#web", "GRANT", RowKey::GrantCopy(web())),
            ("TEAM#web", "MAPPING#assets/uk/#2", RowKey::Mapping { team: web(), id: "assets/uk/#2".to_owned() }),
            ("TEAM#web", "MAPPING#", RowKey::Mapping { team: web(), id: String::new() }),
            ("TEAM#web", "TEST#assets/a.css", RowKey::Test { team: web(), id: "assets/a.css".to_owned() }),
            ("TEAM#web", "ZONE#Not A Name", RowKey::Zone { team: web(), domain: "Not A Name".to_owned() }),
            ("TEAM#web", "REVISION#0000000007", RowKey::Revision { partition: team(), revision: 7 }),
            ("TEAM#web", "DOCUMENT#0000000007#0003", RowKey::Document { partition: team(), revision: 7, part: 3 }),
        ] {
            assert_eq!(RowKey::parse(pk, sk), key);
            assert_eq!(key.text(), format!("{pk}/{sk}"));
            assert_eq!((key.partition().to_string().as_str(), key.sort().as_str()), (pk, sk));
            assert_eq!(key.to_string(), format!("{pk}/{sk}"));
        }
    }

    #[test]
    fn what_is_not_understood_keeps_its_text() {
        for (pk, sk) in [
            ("TEAM#Web", "MAPPING#x"),
            ("web", "MAPPING#x"),
            ("TEAM#web", "mapping#x"),
            ("TEAM#web", "REVISION#7"),
            ("TEAM#web", "REVISION#x"),
            ("TEAM#web", "DOCUMENT#0000000007"),
            ("GRANTS", "Web"),
            ("", ""),
        ] {
            let key = RowKey::parse(pk, sk);
            assert_eq!(key, RowKey::Other { partition: PartitionKey::parse(pk), sort: sk.to_owned() });
            assert_eq!(key.to_string(), format!("{pk}/{sk}"));
        }
    }

    #[test]
    fn keys_of_a_team_are_ordered_as_their_sort_keys() {
        let sorts = [
            "DOCUMENT#0000000001#0000",
            "GRANT",
            "HEAD",
            "MAPPING#a",
            "MAPPING#b",
            "REVISION#0000000001",
            "TEST#a",
            "ZONE#a",
        ];
        let keys: Vec<RowKey> = sorts.iter().map(|sort| RowKey::parse("TEAM#web", sort)).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }
}
