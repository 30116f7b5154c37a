//! `dead-letters list`: what is in the queue, by team, zone and cause.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use purge_router_aws::DeadMessage;
use purge_router_core::Mappings;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::examine::{Cause, Examined};
use super::post::{Examination, Post};
use super::receive::{MAX_MESSAGES, Received, Round};
use crate::args::{Format, LettersArgs, ListLettersArgs};
use crate::exit::End;
use crate::print::{ListRow, Progress};
use crate::{print, shutdown};

/// How long messages are hidden at most, if they can't be made visible.
const HIDDEN: Duration = Duration::from_secs(120);

/// What is shown while messages are examined.
pub(super) const READING: &str = "reading the mappings and the log";

/// How many characters of a reason fit into a table.
const REASON: usize = 100;

pub(super) async fn run(args: &ListLettersArgs) -> anyhow::Result<End> {
    let post = Post::open(&args.letters).await?;
    let found = look(&post, &args.letters, MAX_MESSAGES).await?;
    let rows: Vec<ListRow> = groups(&found.letters).into_iter().map(row).collect();
    let columns = ["team", "zone", "cause", "messages", "oldest", "reason"];
    print::listing(args.output.format(), &columns, &rows)?;
    if args.output.format() == Format::Table {
        found.print_notes(&args.letters);
    }
    Ok(End::Done)
}

/// Messages that are visible again.
pub(super) struct Found {
    pub(super) letters: Vec<Examined>,
    /// Those of the buckets that the messages are about.
    pub(super) mappings: Mappings,
    /// How many messages of others there are.
    others: usize,
    /// How many others had received.
    hidden: u64,
    is_all: bool,
    log_problem: Option<String>,
}

/// Receives messages, makes them visible again, and examines those that the arguments name.
pub(super) async fn look(post: &Post, args: &LettersArgs, max: usize) -> anyhow::Result<Found> {
    let state = post.state().await?;
    let mut received = Received::new(&post.queue, HIDDEN);
    let progress = Progress::new("receiving messages", state.visible);
    let round = shutdown::until_stopped(received.next(max, &progress)).await;
    drop(progress);
    received.release().await;
    let Ok(round) = round else { bail!("stopped; the messages are in the queue as before") };
    let Round { mut messages, is_last } = match round {
        Ok(round) => round,
        Err(error) => return Err(post.receive_failed(error).await),
    };
    let count = messages.len();
    messages.retain(|message| is_named(message, args));
    let Examination { mut letters, mappings, log_problem } = print::spinning(READING, post.examine(messages)).await?;
    letters.retain(|letter| letter.is_of(&args.deployment.teams));
    let others = count - letters.len();
    Ok(Found { letters, mappings, others, hidden: state.hidden, is_all: is_last, log_problem })
}

/// Whether `--id` names a message, or nothing is named.
pub(super) fn is_named(message: &DeadMessage, args: &LettersArgs) -> bool {
    args.ids.is_empty() || args.ids.iter().any(|id| *id == message.id || *id == message.logged_id())
}

impl Found {
    pub(super) fn print_notes(&self, args: &LettersArgs) {
        let is_filtered = !args.deployment.teams.is_empty() || !args.ids.is_empty();
        if self.letters.is_empty() {
            print::note(if is_filtered { "no such message" } else { "the dead-letter queue is empty" });
        }
        if is_filtered && self.others > 0 {
            print::note(&format!("{} more in the queue", print::count(self.others, "message")));
        }
        if !self.is_all {
            print::warning(&format!("these are the first {MAX_MESSAGES} messages"));
        }
        if self.hidden > 0 {
            print::warning(&format!("{} more are hidden, because somebody has received them", self.hidden));
        }
        if let Some(problem) = &self.log_problem {
            print::warning(problem);
        }
    }
}

/// Messages that failed alike.
struct Group<'l> {
    cause: Cause,
    letters: Vec<&'l DeadMessage>,
}

/// Groups messages by team, zone and cause; a message with several causes is in several groups.
fn groups(letters: &[Examined]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<(Option<&str>, Option<&str>, &str), Group<'_>> = BTreeMap::new();
    for letter in letters {
        for cause in &letter.causes {
            let key = (cause.team.as_deref(), cause.zone.as_deref(), cause.cause.as_str());
            let group = groups.entry(key).or_insert_with(|| Group { cause: cause.clone(), letters: Vec::new() });
            group.letters.push(&letter.message);
        }
    }
    groups.into_values().collect()
}

fn row(Group { cause, letters }: Group<'_>) -> ListRow {
    let oldest = letters.iter().map(|message| message.sent_at).min().unwrap_or_default();
    let oldest = rfc3339(oldest);
    let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let mut reason: String = cause.reason.chars().take(REASON).collect();
    if reason.len() < cause.reason.len() {
        reason.push('…');
    }
    let ids: Vec<&str> = letters.iter().map(|message| message.id.as_str()).collect();
    let cells =
        [word(&cause.team), word(&cause.zone), cause.cause.clone(), letters.len().to_string(), oldest.clone(), reason];
    let json = json!({
        "team": cause.team,
        "zone": cause.zone,
        "cause": cause.cause,
        "reason": cause.reason,
        "messages": letters.len(),
        "oldest": oldest,
        "ids": ids,
    });
    ListRow { cells: cells.to_vec(), json }
}

/// A time in milliseconds since 1970.
pub(super) fn rfc3339(at: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(at / 1000).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default()
}
