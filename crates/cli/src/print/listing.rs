//! Lists as columns for people, or as JSON for programs.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::args::Format;
use crate::print::output::{json, json_line, out};
use crate::print::text::escaped;

/// A row: its cells, and all that is known of it.
pub(crate) struct ListRow {
    pub(crate) cells: Vec<String>,
    pub(crate) json: Value,
}

/// Prints a list. Cells come from outside, and are escaped.
pub(crate) fn listing(format: Format, columns: &[&str], rows: &[ListRow]) -> anyhow::Result<()> {
    match format {
        Format::Table if rows.is_empty() => Ok(()),
        Format::Table => {
            out(&columns_of(columns, rows));
            Ok(())
        }
        Format::Json => json(&rows.iter().map(|row| &row.json).collect::<Vec<_>>()),
        Format::Jsonl => rows.iter().try_for_each(|row| json_line(&row.json)),
    }
}

fn columns_of(columns: &[&str], rows: &[ListRow]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row.cells.iter().map(|cell| escaped(cell)));
    }
    table.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n")
}
