//! `explain`: why an object or a URL is purged or not.

mod asked;
mod change;
mod url;

use purge_router_core::{Change, Event, Mappings, Plan, PublicUrl, Route, decoded_object, plan, route_all};
use serde_json::{Value, json};

pub(super) use self::asked::Asked;
pub(super) use self::change::Scope;
use crate::args::ExplainArgs;
use crate::command::event::buckets_of;
use crate::exit::End;
use crate::{mappings, print};

pub(super) async fn run(args: &ExplainArgs) -> anyhow::Result<End> {
    let asked = Asked::read(args).await?;
    let (source, teams) = (&args.mappings.mappings, &args.mappings.teams);
    // Any bucket may lead to a URL.
    let mappings = match asked.urls.is_empty() {
        true => mappings::load_of_buckets(source, teams, buckets_of(&asked.event)).await?,
        false => mappings::load(source, teams).await?,
    };
    let Some(mappings) = mappings else { return Ok(End::Problems) };
    let planned = plan(&mappings, asked.event.clone());
    if args.json {
        print::json(&as_json(&asked, &mappings, &planned)?)?;
    } else {
        let is_known = |change: &Change| mappings.of_bucket(&change.bucket).next().is_some();
        let mut scope = Scope::of(&mappings, teams);
        if !asked.event.changes.iter().all(is_known) {
            scope.buckets.extend(mappings::other_buckets(source, teams).await);
        }
        print::out(&as_text(&asked, &mappings, &planned, &scope));
    }
    Ok(end(&asked, &mappings, &planned))
}

/// Done if all that was asked for is purged.
fn end(asked: &Asked, mappings: &Mappings, plan: &Plan) -> End {
    let is_purged = |url: &PublicUrl| url::is_purged(mappings, url) == Some(true);
    let is_complete = plan.unmatched.is_empty() && plan.rejected.is_empty() && asked.urls.iter().all(is_purged);
    match plan.failed_origins().is_empty() {
        false => End::Problems,
        true if is_complete => End::Done,
        true => End::NotPurged,
    }
}

/// Each object explained, then the plan of all of them; then each URL, and how many of a list are purged.
pub(super) fn as_text(asked: &Asked, mappings: &Mappings, plan: &Plan, scope: &Scope<'_>) -> String {
    let changes = asked.event.changes.iter();
    let mut texts: Vec<String> =
        changes.map(|change| change::as_text(change, &routes(mappings, change), scope)).collect();
    if asked.has_event() {
        texts.push(print::plan(plan));
    }
    texts.extend(asked.urls.iter().map(|url| url::as_text(mappings, url)));
    if !asked.urls.is_empty() && !asked.is_one {
        texts.push(url::summary(mappings, &asked.urls));
    }
    let texts: Vec<&str> = texts.iter().map(|text| text.trim_end_matches('\n')).collect();
    texts.join("\n\n")
}

/// One object or URL: its explanation. Else the plan with the explained changes in place of their number, and the explained
/// URLs of a list.
pub(super) fn as_json(asked: &Asked, mappings: &Mappings, planned: &Plan) -> anyhow::Result<Value> {
    let changes = asked.event.changes.iter().map(|change| change_as_json(mappings, change));
    let mut changes: Vec<Value> = changes.collect();
    let mut urls: Vec<Value> = asked.urls.iter().map(|url| url::as_json(mappings, url)).collect();
    let mut whole = serde_json::to_value(planned)?;
    if asked.is_one {
        let Some(mut one) = changes.pop().or(urls.pop()) else { return Ok(whole) };
        if asked.has_event() {
            for field in ["rejected", "batches", "second_purges", "samples"] {
                if let Some(value) = whole.get_mut(field) {
                    one[field] = value.take();
                }
            }
        }
        return Ok(one);
    }
    whole["changes"] = Value::Array(changes);
    if !urls.is_empty() {
        whole["urls"] = Value::Array(urls);
    }
    Ok(whole)
}

fn change_as_json(mappings: &Mappings, change: &Change) -> Value {
    let mut json = change::as_json(change, &routes(mappings, change));
    let alone = plan(mappings, Event { changes: vec![change.clone()], ..Event::default() });
    json["purged"] = json!(!alone.batches.is_empty());
    if let Some(object) = decoded_object(change) {
        json["hint"] = json!(print::encoded_key(&object));
    }
    json
}

fn routes<'m>(mappings: &'m Mappings, change: &'m Change) -> Vec<Route<'m>> {
    route_all(mappings, change).collect()
}
