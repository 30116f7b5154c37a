//! `dead-letters drop`: deletes messages, so that what they name is not purged.

use std::time::Duration;

use anyhow::bail;
use purge_router_aws::DeadMessage;
use serde_json::json;

use super::list::{READING, is_named};
use super::post::Post;
use super::receive::{MAX_MESSAGES, Received, Round};
use crate::args::DropArgs;
use crate::exit::End;
use crate::print::Progress;
use crate::{print, shutdown};

/// How long messages are hidden, the time to answer a question included.
const HIDDEN: Duration = Duration::from_secs(900);

pub(super) async fn run(args: &DropArgs) -> anyhow::Result<End> {
    let post = Post::open(&args.letters).await?;
    let state = post.state().await?;
    let mut received = Received::new(&post.queue, HIDDEN);
    let dropped = shutdown::until_stopped(drop(&post, args, &mut received, state.visible)).await;
    received.release().await;
    let Ok(dropped) = dropped else { bail!("stopped; what was not deleted is in the queue as before") };
    let Some((dropped, errors)) = dropped? else {
        print::note("nothing was deleted");
        return Ok(End::Problems);
    };
    if args.json {
        print::json(&json!({ "dropped": dropped, "errors": errors }))?;
    } else {
        print::out(&format!("deleted {}", print::count(dropped, "message")));
        errors.iter().take(3).for_each(|error| print::error(&format!("not deleted: {error}")));
    }
    if !errors.is_empty() {
        post.note_caller().await;
    }
    Ok(End::done_if(errors.is_empty()))
}

/// How many messages were deleted, and why others were not; `None`: the caller decided against it.
async fn drop(
    post: &Post,
    args: &DropArgs,
    received: &mut Received<'_>,
    total: u64,
) -> anyhow::Result<Option<(usize, Vec<String>)>> {
    let progress = Progress::new("receiving messages", total);
    let Round { messages, is_last } = match received.next(MAX_MESSAGES, &progress).await {
        Ok(round) => round,
        Err(error) => return Err(post.receive_failed(error).await),
    };
    std::mem::drop(progress);
    let selected = select(post, args, messages).await?;
    if !is_last {
        print::warning(&format!("only the first {MAX_MESSAGES} messages were looked at"));
    }
    if selected.is_empty() {
        return Ok(Some((0, Vec::new())));
    }
    let question = format!("Delete {}? What they name is not purged.", print::count(selected.len(), "message"));
    if !args.yes && !print::confirm(&question).await? {
        return Ok(None);
    }
    let handles: Vec<String> = selected.iter().map(|message| message.receipt_handle.clone()).collect();
    let results = shutdown::write("deleting messages", post.queue.delete(&handles)).await;
    let deleted = selected.iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(message, _)| message);
    let deleted: Vec<&DeadMessage> = deleted.collect();
    let dropped = deleted.len();
    received.forget(deleted);
    Ok(Some((dropped, results.into_iter().filter_map(Result::err).collect())))
}

/// The messages that the arguments name.
async fn select(post: &Post, args: &DropArgs, mut messages: Vec<DeadMessage>) -> anyhow::Result<Vec<DeadMessage>> {
    messages.retain(|message| is_named(message, &args.letters));
    let teams = &args.letters.deployment.teams;
    if teams.is_empty() {
        return Ok(messages);
    }
    let letters = print::spinning(READING, post.examine(messages)).await?.letters;
    // What others need is not deleted for one team.
    let is_only_of =
        |teams: &Vec<_>, letter: &super::examine::Examined| letter.is_of(teams) && letter.other_teams(teams).is_empty();
    let (selected, others): (Vec<_>, Vec<_>) = letters.into_iter().partition(|letter| is_only_of(teams, letter));
    let shared = others.iter().filter(|letter| letter.is_of(teams)).count();
    if shared > 0 {
        let count = print::count(shared, "message");
        print::note(&format!("{count} of other teams, too, stay; to delete them as well, name them with --id"));
    }
    Ok(selected.into_iter().map(|letter| letter.message).collect())
}
