//! `dead-letters redrive`: sends messages to the queue of new messages, and then deletes them here. Decision 53.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use purge_router_aws::DeadMessage;
use serde_json::json;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep_until};

use super::examine::Examined;
use super::list::is_named;
use super::post::Post;
use super::receive::{Received, Round};
use crate::args::{LettersArgs, RedriveArgs};
use crate::exit::End;
use crate::print::Progress;
use crate::{print, shutdown};

/// How long messages are hidden. Those that are still here after that are received again, and recognized.
const HIDDEN: Duration = Duration::from_secs(300);

/// How many messages are received, examined and redriven at a time.
const ROUND: usize = 1000;

/// How many messages are sent and then deleted at a time.
const CALL: usize = 10;

/// How much this machine's clock may differ from that of SQS.
const CLOCK_SKEW_MILLISECONDS: i64 = 300_000;

/// How many different errors are printed.
const MAX_ERRORS: usize = 3;

pub(super) async fn run(args: &RedriveArgs) -> anyhow::Result<End> {
    let post = Post::open(&args.letters).await?;
    let destination = post.queue_of_new_messages().await?;
    let state = post.state().await?;
    let mut received = Received::new(&post.queue, HIDDEN);
    let mut redrive = Redrive::new(&post, args, &destination);
    let progress = Progress::new("redriving messages", state.visible);
    let ended = shutdown::until_stopped(redrive.all(&mut received, &progress)).await;
    drop(progress);
    redrive.done.left = received.len();
    received.release().await;
    let failure = match ended {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(_) => Some("stopped by a signal".to_owned()),
    };
    redrive.done.print(args, &destination, failure.as_deref())?;
    if !redrive.done.errors.is_empty() {
        post.note_caller().await;
    }
    Ok(End::done_if(failure.is_none() && redrive.done.errors.is_empty()))
}

/// What became of the messages.
#[derive(Default)]
struct Done {
    redriven: usize,
    /// Sent, but still here, because they could not be deleted.
    undeleted: usize,
    /// Still here, also those that were not named.
    left: usize,
    /// Came back while the command ran.
    came_back: usize,
    /// How many of them concern other teams, too, by team.
    shared: BTreeMap<String, usize>,
    /// How often each error occurred.
    errors: BTreeMap<String, usize>,
}

struct Redrive<'p> {
    post: &'p Post,
    args: &'p LettersArgs,
    destination: &'p str,
    call_size: usize,
    /// The time from one call to the next.
    pause: Duration,
    began: i64,
    /// The bodies that were sent. A message gets a new id each time it is sent, but its body stays.
    sent: HashSet<u64>,
    done: Done,
}

impl<'p> Redrive<'p> {
    fn new(post: &'p Post, args: &'p RedriveArgs, destination: &'p str) -> Self {
        let call_size = args.max_per_second.map_or(CALL, |max| CALL.min(max as usize));
        let pause = args.max_per_second.map_or(0.0, |max| call_size as f64 / f64::from(max));
        Self {
            post,
            args: &args.letters,
            destination,
            call_size,
            pause: Duration::from_secs_f64(pause),
            began: OffsetDateTime::now_utc().unix_timestamp() * 1000,
            sent: HashSet::new(),
            done: Done::default(),
        }
    }

    async fn all(&mut self, received: &mut Received<'_>, progress: &Progress) -> anyhow::Result<()> {
        loop {
            progress.remark("receiving messages");
            let Round { messages, is_last } = match received.next(ROUND, &Progress::hidden()).await {
                Ok(round) => round,
                Err(error) => return Err(self.post.receive_failed(error).await),
            };
            progress.remark("reading the mappings and the log");
            let selected = self.select(messages).await?;
            progress.remark("");
            for messages in selected.chunks(self.call_size) {
                let next = Instant::now() + self.pause;
                let what = format!("redriving {}", print::count(messages.len(), "message"));
                let deleted = shutdown::write(what, self.send_and_delete(messages)).await?;
                received.forget(deleted);
                progress.advance(messages.len());
                sleep_until(next).await;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// The messages that the arguments name, without those that came back.
    async fn select(&mut self, mut messages: Vec<DeadMessage>) -> anyhow::Result<Vec<DeadMessage>> {
        messages.retain(|message| is_named(message, self.args));
        let before = messages.len();
        let (sent, since) = (&self.sent, self.began - CLOCK_SKEW_MILLISECONDS);
        messages.retain(|message| !(message.sent_at >= since && sent.contains(&hash(&message.body))));
        self.done.came_back += before - messages.len();
        let teams = &self.args.deployment.teams;
        if teams.is_empty() {
            return Ok(messages);
        }
        let letters = self.post.examine(messages).await?.letters;
        let selected: Vec<Examined> = letters.into_iter().filter(|letter| letter.is_of(teams)).collect();
        for other in selected.iter().flat_map(|letter| letter.other_teams(teams)) {
            *self.done.shared.entry(other.to_owned()).or_default() += 1;
        }
        Ok(selected.into_iter().map(|letter| letter.message).collect())
    }

    /// Deletes only what was sent. Returns what was deleted.
    async fn send_and_delete<'m>(&mut self, messages: &'m [DeadMessage]) -> anyhow::Result<Vec<&'m DeadMessage>> {
        let results = self.post.queue.send_to(self.destination, messages).await?;
        let mut sent = Vec::new();
        for (message, result) in messages.iter().zip(results) {
            match result {
                Ok(()) => sent.push(message),
                Err(reason) => self.done.note(format!("not sent: {reason}")),
            }
        }
        self.sent.extend(sent.iter().map(|message| hash(&message.body)));
        let handles: Vec<String> = sent.iter().map(|message| message.receipt_handle.clone()).collect();
        let results = self.post.queue.delete(&handles).await;
        let mut deleted = Vec::new();
        for (message, result) in sent.into_iter().zip(results) {
            match result {
                Ok(()) => deleted.push(message),
                Err(reason) => {
                    self.done.undeleted += 1;
                    self.done.note(format!("sent, but not deleted: {reason}"));
                }
            }
        }
        self.done.redriven += deleted.len();
        Ok(deleted)
    }
}

fn hash(body: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

impl Done {
    fn note(&mut self, error: String) {
        *self.errors.entry(error).or_default() += 1;
    }

    fn print(&self, args: &RedriveArgs, destination: &str, failure: Option<&str>) -> anyhow::Result<()> {
        if args.json {
            return print::json(&json!({
                "redriven": self.redriven,
                "undeleted": self.undeleted,
                "left": self.left,
                "came_back": self.came_back,
                "shared_with": self.shared,
                "errors": self.errors,
                "stopped": failure,
                "destination": destination,
            }));
        }
        let count = |number| print::count(number, "message");
        let queue = destination.rsplit('/').next().unwrap_or_default();
        print::out(&format!("redrove {} to {}", count(self.redriven), print::escaped(queue)));
        for (team, number) in &self.shared {
            print::note(&format!("{} of them also purge for team {team}, once more", count(*number)));
        }
        if self.came_back > 0 {
            print::warning(&format!("{} failed again, and were left: dead-letters explain", count(self.came_back)));
        }
        if self.undeleted > 0 {
            let number = count(self.undeleted);
            print::warning(&format!("{number} were sent, but are still here: the next redrive sends them once more"));
        }
        for (error, number) in self.errors.iter().take(MAX_ERRORS) {
            print::error(&format!("{}: {error}", count(*number)));
        }
        if let Some(failure) = failure {
            let left = format!("{} of the received ones are left", self.left);
            let again = print::command_line(&[]);
            print::error(&format!("{failure}; {left}, and visible again; to go on: {again}"));
        }
        Ok(())
    }
}
