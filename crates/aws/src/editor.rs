//! Edits of the table: what a partition holds, and writing a difference so that nothing is lost, whoever else writes.

mod history;
mod push;
mod transaction;

use std::collections::HashMap;

use aws_config::SdkConfig;
use futures_util::{StreamExt, TryStreamExt, stream};
use purge_router_config::{Checksum, Fields, Pulled, Row, RowKey, Rows, in_file_order};
use purge_router_core::names::TeamName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::table::{Attributes, NotATable, Table, TableError, fields, key_attributes, row};
pub use history::{History, Revision};
pub use push::{Note, Push, PushError};

/// Where the head of a partition's revisions is, and what its other rows begin with.
const HEAD: &str = "HEAD";
const REVISION: &str = "REVISION#";
const DOCUMENT: &str = "DOCUMENT#";

/// A copy of the grant in the team's own partition, for the team to see. The function does not read it.
const COPY_OF_GRANT: &str = "GRANT";

/// From where to where zones are in a partition.
const ZONES: (&str, &str) = (RowKey::ZONE, "ZONE$");

/// From where to where grants are: the names of teams begin with a digit or a small letter.
const TEAMS: [(&str, &str); 2] = [("0", ":"), ("a", "~")];

/// All of a partition but documents and revisions, which are large and many.
const BUT_HISTORY: [(&str, &str); 3] = [(" ", DOCUMENT), ("DOCUMENT$", REVISION), ("REVISION$", "\u{10ffff}")];

/// Beyond these, revisions would not be sorted by their numbers any more.
const MOST_REVISIONS: u64 = 9_999_999_999;

/// How many partitions are read side by side.
const PARTITIONS: usize = 16;

/// Reads and writes partitions of the table.
#[derive(Debug, Clone)]
pub struct Editor {
    table: Table,
}

/// One partition: a team's, or the one with all grants.
#[derive(Debug)]
pub struct Partition {
    /// `TEAM#` and the team's name, or `GRANTS`.
    pub name: String,
    /// The last push, or the one under way.
    pub head: Option<Head>,
    /// Zones and mappings, or grants.
    pub rows: Rows,
    /// What the operator granted the team, as its copy says.
    pub grant: Option<Fields>,
    /// Of all grants, those whose copy in the team's partition is missing or says something else.
    pub stale_copies: Vec<String>,
    /// The number of the newest revision.
    pub revision: u64,
    /// The rows as they are, `HEAD` included.
    as_read: HashMap<String, Attributes>,
}

/// What the partition's row `HEAD` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How many pushes there were.
    #[serde(default)]
    pub revision: u64,
    /// The last of them.
    #[serde(flatten)]
    pub last: Option<Stamp>,
    /// A push that has begun, and not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Stamp>,
    /// The checksum of the rows as that push left them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
}

/// Who pushed what, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// A name for this push that no other has.
    pub push: String,
    /// Who: an ARN where AWS knows it.
    pub by: String,
    /// When, as RFC 3339 in UTC.
    pub at: String,
    /// What it changed, in short.
    pub summary: String,
    /// Why, in the words of who pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The checksum of all rows after it.
    pub document: String,
    /// The checksum of the difference that was to be written when it began.
    #[serde(default)]
    pub diff: String,
    /// The checksum of that and of the differences of other partitions that were agreed to with it.
    #[serde(default)]
    pub approval: String,
    /// The file that it was pushed from, if that was pulled: [`Pulled`] as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulled: Option<String>,
}

impl Editor {
    /// An editor of this table.
    ///
    /// # Errors
    /// DynamoDB knows no tables of such names.
    pub fn new(config: &SdkConfig, table: String) -> Result<Self, NotATable> {
        Ok(Self { table: Table::new(config, table)? })
    }

    /// A team's partition, as it is now.
    ///
    /// # Errors
    /// What [`TableError`] says.
    pub async fn team(&self, team: &TeamName) -> Result<Partition, TableError> {
        // `GRANT`, `HEAD` and all mappings lie beside each other. `HEAD` comes first: a push that begins later is noticed.
        self.partition(&RowKey::partition_of(team), &[(COPY_OF_GRANT, "MAPPING$"), ZONES]).await
    }

    /// The partition of all grants, as it is now.
    ///
    /// # Errors
    /// What [`TableError`] says.
    pub async fn grants(&self) -> Result<Partition, TableError> {
        let [digits, letters] = TEAMS;
        let mut partition = self.partition(RowKey::GRANTS, &[(HEAD, HEAD), digits, letters]).await?;
        let copy = |name: &String| RowKey::new(format!("{}{name}", RowKey::TEAM), COPY_OF_GRANT);
        let copies = self.table.rows(partition.rows.keys().map(copy)).await?;
        let copies: HashMap<RowKey, Fields> = copies.into_iter().map(|row| (row.key, row.fields)).collect();
        let is_stale = |(name, grant): &(&String, &Fields)| {
            copies.get(&copy(name)).cloned().map(without_version).as_ref() != Some(*grant)
        };
        partition.stale_copies = partition.rows.iter().filter(is_stale).map(|(name, _)| name.clone()).collect();
        Ok(partition)
    }

    /// All rows that the function might read: every grant, zone and mapping, and what else the index holds.
    ///
    /// # Errors
    /// What [`TableError`] says.
    pub async fn all_rows(&self) -> Result<Vec<Row>, TableError> {
        let mut rows = self.rows_between(RowKey::GRANTS, &TEAMS).await?;
        let names: Vec<TeamName> = rows.iter().filter_map(|row| TeamName::parse(&row.key.sort).ok()).collect();
        let reads = names
            .into_iter()
            .map(|team| async move { self.rows_between(&RowKey::partition_of(&team), &BUT_HISTORY).await });
        let of_teams: Vec<Vec<Row>> = stream::iter(reads).buffered(PARTITIONS).try_collect().await?;
        let is_read = |row: &Row| {
            let is_known = [RowKey::ZONE, RowKey::MAPPING].iter().any(|kind| row.key.sort.starts_with(kind));
            is_known || row.fields.contains_key("bucket")
        };
        rows.extend(of_teams.into_iter().flatten().filter(is_read));
        Ok(rows)
    }

    async fn rows_between(&self, partition: &str, ranges: &[(&str, &str)]) -> Result<Vec<Row>, TableError> {
        let mut rows = Vec::new();
        for (from, to) in ranges {
            rows.extend(self.table.between(partition, from, to).await?.into_iter().map(row));
        }
        Ok(rows)
    }

    async fn partition(&self, name: &str, ranges: &[(&str, &str)]) -> Result<Partition, TableError> {
        let mut partition = Partition {
            name: name.to_owned(),
            head: None,
            rows: Rows::new(),
            grant: None,
            stale_copies: Vec::new(),
            revision: 0,
            as_read: HashMap::new(),
        };
        for (from, to) in ranges {
            for item in self.table.between(name, from, to).await? {
                partition.take(item)?;
            }
        }
        partition.revision = match &partition.head {
            Some(head) => head.revision,
            // Somebody deleted it, perhaps; the history goes on all the same.
            None => self.newest_revision(name).await?,
        };
        if partition.revision >= MOST_REVISIONS {
            let (key, revision) = (RowKey::new(name, HEAD), partition.revision);
            return Err(TableError::Refused(format!(
                "the row {key} says revision {revision}, which can't be: mend it"
            )));
        }
        Ok(partition)
    }

    /// The row `HEAD` of a partition, as it is now.
    async fn head(&self, partition: &str) -> Result<Option<Head>, TableError> {
        let key = key_attributes(&RowKey::new(partition, HEAD));
        let get = self.table.client.get_item().table_name(&self.table.name).set_key(Some(key)).consistent_read(true);
        let answer = get.send().await.map_err(|error| self.table.failed(&error))?;
        answer.item.map(|item| read_head(partition, item)).transpose()
    }
}

impl Partition {
    fn take(&mut self, item: Attributes) -> Result<(), TableError> {
        let sort = match item.get("sk") {
            Some(sort) => sort.as_s().cloned().unwrap_or_default(),
            None => String::new(),
        };
        match sort.as_str() {
            HEAD => self.head = Some(read_head(&self.name, item.clone())?),
            COPY_OF_GRANT => self.grant = Some(content(item.clone())),
            _ if self.is_content(&sort) => drop(self.rows.insert(sort.clone(), content(item.clone()))),
            // Somebody else's row is nothing to show or to remove.
            _ => return Ok(()),
        }
        self.as_read.insert(sort, item);
        Ok(())
    }

    fn is_content(&self, sort: &str) -> bool {
        match self.name == RowKey::GRANTS {
            true => TeamName::parse(sort).is_ok(),
            false => sort.starts_with(RowKey::ZONE) || sort.starts_with(RowKey::MAPPING),
        }
    }

    /// Whether somebody edited rows since the last push, or since the one under way wrote its last ones. Without a head
    /// that is not known.
    pub fn is_edited(&self) -> bool {
        let told = self.head.as_ref().and_then(|head| match &head.pending {
            Some(_) => head.rows.as_ref(),
            None => head.last.as_ref().map(|last| &last.document),
        });
        told.is_some_and(|told| *told != Checksum::of(&self.rows).to_string())
    }

    /// Whether others pushed since a file was pulled, from another one. A table that was restored may be at an earlier
    /// revision.
    pub fn is_past(&self, pulled: &Pulled) -> bool {
        let last = self.head.as_ref().and_then(|head| head.last.as_ref());
        self.revision != pulled.revision && last.and_then(|last| last.pulled.as_ref()) != Some(&pulled.to_string())
    }

    /// The rows of later versions, which this release must not write over.
    pub fn later_versions(&self) -> impl Iterator<Item = RowKey> {
        let version = |fields: &Fields| fields.get("version").and_then(Value::as_u64);
        let later = self.rows.iter().filter(move |(_, fields)| version(fields).is_some_and(|it| it > VERSION));
        later.map(|(sort, _)| RowKey::new(&self.name, sort))
    }
}

fn read_head(partition: &str, item: Attributes) -> Result<Head, TableError> {
    serde_dynamo::from_item(item).map_err(|error| {
        let key = RowKey::new(partition, HEAD);
        TableError::Refused(format!(
            "the row {key} can't be read: {error}; mend it, or delete it: the next push writes it"
        ))
    })
}

/// What a row says, without its key and the version that this release writes.
fn content(mut item: Attributes) -> Fields {
    item.remove("pk");
    item.remove("sk");
    without_version(fields(item))
}

fn without_version(mut fields: Fields) -> Fields {
    if fields.get("version").and_then(Value::as_u64) == Some(VERSION) {
        fields.shift_remove("version");
    }
    in_file_order(fields)
}

/// The version of the rows that this release writes.
const VERSION: u64 = 1;
