//! Differences as people and machines see them.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use purge_router_aws::PushRecord;
use purge_router_config::{Changed, Diff, FieldChange, Fields, RowKey, RowKind, Rows};
use purge_router_core::names::TeamName;
use serde_json::{Value, json};

use super::edit::Edit;
use crate::print;

/// How many rows of one difference are shown before the rest is only counted.
const SHOWN: usize = 50;

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// One edit as text, with all changes.
pub(super) fn edit(edit: &Edit) -> String {
    let mut text = String::new();
    let state = match edit.snapshot.revision {
        0 => "never pushed".to_owned(),
        revision => format!("revision {revision}"),
    };
    let _ = writeln!(text, "{} {}", print::bold(edit.name()), print::dim(format!("({state})")));
    if let Some(pending) = edit.snapshot.pending() {
        let _ = writeln!(text, "  {} {}", print::yellow("unfinished:"), self::pending(pending));
        if edit.snapshot.is_edited() {
            let _ = writeln!(text, "  {} rows were edited in the table since it stopped", print::yellow("drift:"));
        }
    }
    if let Some(stale) = stale(edit) {
        let _ = writeln!(text, "  {} {stale}", print::yellow("stale:"));
    }
    if !edit.drift.is_empty() {
        let _ = writeln!(
            text,
            "  {} edited in the table since revision {}:",
            print::yellow("drift:"),
            edit.snapshot.revision
        );
        rows(&mut text, "    ", &edit.drift);
        if !edit.diff.is_empty() {
            let _ = writeln!(text, "  {}", print::bold("a push would change:"));
        }
    }
    if !edit.snapshot.teams_with_stale_copy.is_empty() {
        let teams: Vec<&str> = edit.snapshot.teams_with_stale_copy.iter().map(TeamName::as_str).collect();
        let _ =
            writeln!(text, "  {} the copies of grants that teams see: {}", print::yellow("updates"), teams.join(", "));
    }
    rows(&mut text, "  ", &edit.diff);
    let _ = write!(text, "  {}", summary(edit));
    text
}

/// `2 to add, 1 to change, 0 to remove`.
fn summary(edit: &Edit) -> String {
    let Diff { added, changed, removed } = &edit.diff;
    match edit.diff.is_empty() {
        true if edit.needs_write() => "no row to change; a push records the current rows as a new revision".to_owned(),
        true => "nothing to change".to_owned(),
        false => format!("{} to add, {} to change, {} to remove", added.len(), changed.len(), removed.len()),
    }
}

/// `2 added, 1 changed`: for the history.
pub(super) fn history_summary(edit: &Edit) -> String {
    let Diff { added, changed, removed } = &edit.diff;
    let parts = [(added.len(), "added"), (changed.len(), "changed"), (removed.len(), "removed")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let edits = print::count(edit.drift.len(), "edit");
    match (parts.is_empty(), edit.drift.is_empty()) {
        (true, true) if !edit.snapshot.teams_with_stale_copy.is_empty() => {
            "updates the copies of grants that teams see".to_owned()
        }
        (true, true) => "nothing changed".to_owned(),
        (true, false) => format!("keeps {edits} made in the table"),
        (false, true) => parts.join(", "),
        (false, false) => format!("{}, after {edits} made in the table", parts.join(", ")),
    }
}

/// A push that was started and is not finished.
pub(super) fn pending(record: &PushRecord) -> String {
    print::escaped(&format!("a push by {}, started at {}, is not finished ({})", record.by, record.at, record.summary))
}

/// The changes of a difference as text, without the partition.
pub(super) fn diff(diff: &Diff) -> String {
    let mut text = String::new();
    rows(&mut text, "", diff);
    text
}

fn rows(text: &mut String, margin: &str, diff: &Diff) {
    let mut left = SHOWN;
    let mut show = |mark: &str, style: Style, key: &RowKey, fields: &Fields, lines: Vec<String>| {
        if let Some(less) = left.checked_sub(1) {
            left = less;
            let _ = writeln!(text, "{margin}{}", print::styled(style, format!("{mark} {}", name(key, fields))));
            for line in lines {
                let _ = writeln!(text, "{margin}    {line}");
            }
        }
    };
    // Zones first: mappings name them. Tests last.
    for kind in [Some(RowKind::Zone), None, Some(RowKind::Test)] {
        let first_or_last = |key: &RowKey| RowKind::of(key).filter(|it| matches!(it, RowKind::Zone | RowKind::Test));
        let is_one = |key: &RowKey| first_or_last(key) == kind;
        for (key, fields) in diff.added.iter().filter(|(key, _)| is_one(key)) {
            show("+", GREEN, key, fields, whole(key, fields));
        }
        for (key, changed) in diff.changed.iter().filter(|(key, _)| is_one(key)) {
            show("~", YELLOW, key, &changed.before, changed.fields().map(|field| line(&field)).collect());
        }
        for (key, fields) in diff.removed.iter().filter(|(key, _)| is_one(key)) {
            show("-", RED, key, fields, Vec::new());
        }
    }
    if diff.len() > SHOWN {
        let _ = writeln!(text, "{margin}{}", print::dim(format!("… and {} more (--json has all)", diff.len() - SHOWN)));
    }
}

/// `mapping s3://assets/uk/`, `test s3://assets/uk/a.css`, `zone website.com`, `grant of team web`.
fn name(key: &RowKey, fields: &Fields) -> String {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = match key {
        RowKey::Zone { domain, .. } => format!("zone {domain}"),
        RowKey::Mapping { id, .. } => {
            let source = format!("{}/{}", text("bucket"), text("prefix"));
            match text("bucket") {
                "" => format!("mapping {id}"),
                _ if source == *id => format!("mapping s3://{source}"),
                _ => format!("mapping s3://{source} ({id})"),
            }
        }
        RowKey::Test { id, .. } => match text("object") {
            "" => format!("test {id}"),
            object if object.strip_prefix("s3://") == Some(id) => format!("test {object}"),
            object => format!("test {object} ({id})"),
        },
        RowKey::Grant(team) => format!("grant of team {team}"),
        other => other.to_string(),
    };
    print::escaped(&name)
}

/// A new row's fields, except those that are in its name.
fn whole(key: &RowKey, fields: &Fields) -> Vec<String> {
    let is_in_name = |name: &str| match key {
        RowKey::Mapping { .. } => matches!(name, "bucket" | "prefix"),
        RowKey::Test { .. } => name == "object",
        _ => false,
    };
    let shown = fields.iter().filter(|(name, _)| !is_in_name(name));
    shown.map(|(name, value)| print::escaped(&format!("{name} = {value}"))).collect()
}

fn line(field: &FieldChange<'_>) -> String {
    let value = |value: Option<&Value>| value.map(|value| print::escaped(&value.to_string()));
    let name = print::escaped(field.name);
    let unset = || "unset".to_owned();
    let (before, after) = (value(field.before).unwrap_or_else(unset), value(field.after).unwrap_or_else(unset));
    format!("{name}: {} → {}", print::styled(RED, before), print::styled(GREEN, after))
}

/// Why the file is stale, if it is.
fn stale(edit: &Edit) -> Option<String> {
    edit.proposed().stale().map(|stale| print::escaped(&stale.to_string()))
}

/// One edit as JSON.
pub(super) fn edit_json(edit: &Edit) -> Value {
    let head = edit.snapshot.head.as_ref();
    let mut value = json!({
        "team": edit.team,
        "revision": head.map_or(0, |head| head.revision),
        "drift": diff_json(&edit.drift),
        "pending": edit.snapshot.pending(),
        "is_edited": edit.snapshot.is_edited(),
        "pushed_since": stale(edit),
    });
    if let (Value::Object(value), Value::Object(diff)) = (&mut value, diff_json(&edit.diff)) {
        value.extend(diff);
    }
    value
}

pub(super) fn diff_json(diff: &Diff) -> Value {
    let rows = |rows: &Rows| -> Vec<Value> {
        rows.iter().map(|(key, fields)| json!({ "row": key.sort(), "fields": fields })).collect()
    };
    let changed = |(key, changed): (&RowKey, &Changed)| {
        let fields = changed
            .fields()
            .map(|field| (field.name.to_owned(), json!({ "before": field.before, "after": field.after })));
        json!({ "row": key.sort(), "fields": fields.collect::<Fields>() })
    };
    json!({
        "added": rows(&diff.added),
        "changed": diff.changed.iter().map(changed).collect::<Vec<_>>(),
        "removed": rows(&diff.removed),
    })
}
