//! Differences as people and machines see them.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use purge_router_aws::Stamp;
use purge_router_config::{Changed, Diff, FieldChange, Fields, RowKey, Rows};
use serde_json::{Value, json};

use super::edits::Edit;
use crate::print;

/// How many rows of one difference are shown before the rest is only counted.
const SHOWN: usize = 50;

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// One edit, with all that it changes.
pub(super) fn edit(edit: &Edit) -> String {
    let mut text = String::new();
    let revision = edit.partition.revision;
    let revision = if revision == 0 { "never pushed".to_owned() } else { format!("revision {revision}") };
    let _ = writeln!(text, "{} {}", print::bold(edit.name()), print::dim(format!("({revision})")));
    if let Some(pending) = edit.pending() {
        let _ = writeln!(text, "  {} {}", print::yellow("unfinished"), self::pending(pending));
        if edit.partition.is_edited() {
            let _ = writeln!(text, "  {} rows were edited in the table since it stopped", print::yellow("drift"));
        }
    }
    if let Some(since) = edit.pushed_since() {
        let _ = writeln!(text, "  {} {since}", print::yellow("outdated"));
    }
    if !edit.drift.is_empty() {
        let _ = writeln!(text, "  {} edited in the table since that push:", print::yellow("drift"));
        rows(&mut text, "    ", &edit.drift);
        if !edit.diff.is_empty() {
            let _ = writeln!(text, "  {}", print::bold("a push changes:"));
        }
    }
    if !edit.partition.stale_copies.is_empty() {
        let teams = print::escaped(&edit.partition.stale_copies.join(", "));
        let _ = writeln!(text, "  {} what these teams see of their grants: {teams}", print::yellow("renews"));
    }
    rows(&mut text, "  ", &edit.diff);
    let _ = write!(text, "  {}", summary(edit));
    text
}

/// `2 to add, 1 to change, none to remove`.
fn summary(edit: &Edit) -> String {
    let Diff { added, changed, removed } = &edit.diff;
    match edit.diff.is_empty() {
        true if edit.is_needed() => "nothing to write but a new revision".to_owned(),
        true => "nothing to change".to_owned(),
        false => format!("{} to add, {} to change, {} to remove", added.len(), changed.len(), removed.len()),
    }
}

/// `2 added, 1 changed`: for the history.
pub(super) fn deed(edit: &Edit) -> String {
    let Diff { added, changed, removed } = &edit.diff;
    let parts = [(added.len(), "added"), (changed.len(), "changed"), (removed.len(), "removed")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let edits = print::count(edit.drift.len(), "edit");
    match (parts.is_empty(), edit.drift.is_empty()) {
        (true, true) if !edit.partition.stale_copies.is_empty() => "renews what teams see of their grants".to_owned(),
        (true, true) => "nothing changed".to_owned(),
        (true, false) => format!("keeps {edits} made in the table"),
        (false, true) => parts.join(", "),
        (false, false) => format!("{}, after {edits} made in the table", parts.join(", ")),
    }
}

/// A push that has begun, and not ended.
pub(super) fn pending(stamp: &Stamp) -> String {
    print::escaped(&format!("a push by {}, begun at {}, has not ended ({})", stamp.by, stamp.at, stamp.summary))
}

/// A difference alone.
pub(super) fn diff(diff: &Diff) -> String {
    let mut text = String::new();
    rows(&mut text, "", diff);
    text
}

fn rows(text: &mut String, margin: &str, diff: &Diff) {
    let mut left = SHOWN;
    let mut show = |mark: &str, style: Style, sort: &str, fields: &Fields, lines: Vec<String>| {
        if let Some(less) = left.checked_sub(1) {
            left = less;
            let _ = writeln!(text, "{margin}{}", print::styled(style, format!("{mark} {}", name(sort, fields))));
            for line in lines {
                let _ = writeln!(text, "{margin}    {line}");
            }
        }
    };
    // Zones first: mappings name them.
    for zones in [true, false] {
        let is_one = |sort: &str| sort.starts_with(RowKey::ZONE) == zones;
        for (sort, fields) in diff.added.iter().filter(|(sort, _)| is_one(sort)) {
            show("+", GREEN, sort, fields, whole(sort, fields));
        }
        for (sort, changed) in diff.changed.iter().filter(|(sort, _)| is_one(sort)) {
            show("~", YELLOW, sort, &changed.before, changed.fields().map(|field| line(&field)).collect());
        }
        for (sort, fields) in diff.removed.iter().filter(|(sort, _)| is_one(sort)) {
            show("-", RED, sort, fields, Vec::new());
        }
    }
    if diff.len() > SHOWN {
        let _ = writeln!(text, "{margin}{}", print::dim(format!("… and {} more (--json has all)", diff.len() - SHOWN)));
    }
}

/// `mapping s3://assets/uk/`, `zone website.com`, `grant of team web`.
fn name(sort: &str, fields: &Fields) -> String {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = if let Some(domain) = sort.strip_prefix(RowKey::ZONE) {
        format!("zone {domain}")
    } else if let Some(id) = sort.strip_prefix(RowKey::MAPPING) {
        let source = format!("{}/{}", text("bucket"), text("prefix"));
        match text("bucket") {
            "" => format!("mapping {id}"),
            _ if source == id => format!("mapping s3://{source}"),
            _ => format!("mapping s3://{source} ({id})"),
        }
    } else {
        format!("grant of team {sort}")
    };
    print::escaped(&name)
}

/// A new row's fields, but those that its name tells.
fn whole(sort: &str, fields: &Fields) -> Vec<String> {
    let is_told = |name: &str| sort.starts_with(RowKey::MAPPING) && matches!(name, "bucket" | "prefix");
    let shown = fields.iter().filter(|(name, _)| !is_told(name));
    shown.map(|(name, value)| print::escaped(&format!("{name} = {value}"))).collect()
}

fn line(field: &FieldChange<'_>) -> String {
    let value = |value: Option<&Value>| value.map(|value| print::escaped(&value.to_string()));
    let name = print::escaped(field.name);
    let unset = || "unset".to_owned();
    let (before, after) = (value(field.before).unwrap_or_else(unset), value(field.after).unwrap_or_else(unset));
    format!("{name}: {} → {}", print::styled(RED, before), print::styled(GREEN, after))
}

/// One edit for machines.
pub(super) fn edit_json(edit: &Edit) -> Value {
    let head = edit.partition.head.as_ref();
    let mut value = json!({
        "team": edit.team,
        "revision": head.map_or(0, |head| head.revision),
        "drift": diff_json(&edit.drift),
        "pending": edit.pending(),
        "is_edited": edit.partition.is_edited(),
        "pushed_since": edit.pushed_since(),
    });
    if let (Value::Object(value), Value::Object(diff)) = (&mut value, diff_json(&edit.diff)) {
        value.extend(diff);
    }
    value
}

pub(super) fn diff_json(diff: &Diff) -> Value {
    let rows = |rows: &Rows| -> Vec<Value> {
        rows.iter().map(|(sort, fields)| json!({ "row": sort, "fields": fields })).collect()
    };
    let changed = |(sort, changed): (&String, &Changed)| {
        let fields = changed
            .fields()
            .map(|field| (field.name.to_owned(), json!({ "before": field.before, "after": field.after })));
        json!({ "row": sort, "fields": fields.collect::<Fields>() })
    };
    json!({
        "added": rows(&diff.added),
        "changed": diff.changed.iter().map(changed).collect::<Vec<_>>(),
        "removed": rows(&diff.removed),
    })
}
