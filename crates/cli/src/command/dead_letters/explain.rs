//! `dead-letters explain`: what messages purge, and why they failed.

use std::fmt::Write;

use purge_router_core::Mappings;
use serde_json::{Value, json};

use super::examine::Examined;
use super::list::{look, rfc3339};
use super::post::Post;
use super::receive::MAX_MESSAGES;
use crate::args::ExplainLettersArgs;
use crate::command::explain::{self, Asked, Scope, as_text};
use crate::exit::End;
use crate::print;

pub(super) async fn run(args: &ExplainLettersArgs) -> anyhow::Result<End> {
    let post = Post::open(&args.letters).await?;
    let found = look(&post, &args.letters, MAX_MESSAGES).await?;
    let limit = usize::try_from(args.limit)?;
    let letters = &found.letters[..limit.min(found.letters.len())];
    if args.json {
        let json: Vec<Value> = letters.iter().map(|it| as_json(it, &found.mappings)).collect::<anyhow::Result<_>>()?;
        print::json(&json)?;
        return Ok(End::Done);
    }
    let scope = Scope::of(&found.mappings, &[]);
    for letter in letters {
        let asked = Asked::event(letter.event.clone());
        let explained = as_text(&asked, &found.mappings, &letter.plan, &scope);
        print::out(&format!("{}\n{explained}\n", heading(letter)));
    }
    if letters.len() < found.letters.len() {
        let more = print::count(found.letters.len() - letters.len(), "message");
        print::note(&format!("{more} more: --limit {}", found.letters.len()));
    }
    found.print_notes(&args.letters);
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

fn as_json(letter: &Examined, mappings: &Mappings) -> anyhow::Result<Value> {
    let asked = Asked::event(letter.event.clone());
    Ok(json!({
        "id": letter.message.id,
        "logged_id": letter.message.logged_id(),
        "sent_at": rfc3339(letter.message.sent_at),
        "teams": letter.teams,
        "causes": letter.causes,
        "explained": explain::as_json(&asked, mappings, &letter.plan)?,
        "body": letter.message.body,
    }))
}
