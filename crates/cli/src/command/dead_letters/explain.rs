//! `dead-letters explain`: what messages purge, and why they failed.

use std::fmt::Write;

use serde_json::{Value, json};

use super::examine::Examined;
use super::list::{look, rfc3339};
use super::post::Post;
use super::receive::MAX_MESSAGES;
use crate::args::ExplainLettersArgs;
use crate::command::event::{buckets_of, reasons};
use crate::exit::End;
use crate::print;

pub(super) async fn run(args: &ExplainLettersArgs) -> anyhow::Result<End> {
    let post = Post::open(&args.letters).await?;
    let found = look(&post, &args.letters, MAX_MESSAGES).await?;
    let limit = usize::try_from(args.limit)?;
    let letters = &found.letters[..limit.min(found.letters.len())];
    if args.json {
        print::json(&letters.iter().map(as_json).collect::<Value>())?;
        return Ok(End::Done);
    }
    for letter in letters {
        let mappings = post.source.of_buckets(&post.config, buckets_of(&letter.event)).await?;
        print::out(&(heading(letter) + &reasons(&mappings, &letter.event) + &print::plan(&letter.plan) + "\n"));
    }
    if letters.len() < found.letters.len() {
        let more = print::count(found.letters.len() - letters.len(), "message");
        print::note(&format!("{more} more: --limit {}", found.letters.len()));
    }
    found.print_notes(&post, &args.letters);
    Ok(End::Done)
}

fn heading(letter: &Examined) -> String {
    let message = &letter.message;
    let id = print::bold(print::escaped(&message.id));
    let mut text = format!("{id} {}\n", print::dim(format!("sent {}", rfc3339(message.sent_at))));
    for cause in &letter.causes {
        let place = [cause.team.as_deref().map(|team| format!("team {team}")), cause.zone.clone()];
        let place: Vec<String> = place.into_iter().flatten().collect();
        let words = [place.join(", "), cause.cause.clone(), cause.reason.clone()];
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let _ = writeln!(text, "{} {}", print::red("failed"), print::escaped(&words.join(": ")));
    }
    text
}

fn as_json(letter: &Examined) -> Value {
    json!({
        "id": letter.message.id,
        "logged_id": letter.message.logged_id(),
        "sent_at": rfc3339(letter.message.sent_at),
        "teams": letter.teams,
        "causes": letter.causes,
        "plan": letter.plan,
        "body": letter.message.body,
    })
}
