//! What users see: plans, reports, notes and errors as text; JSON for programs. Nothing that looks like a token is
//! printed, wherever it came from.

mod list;
mod listing;
mod output;
mod plan;
mod progress;
mod prompt;
mod report;
mod spinner;
mod style;
mod text;

pub(crate) use list::push_lines;
pub(crate) use listing::{ListRow, listing};
pub(crate) use output::{
    command_line, document, error, json, json_line, note, out, progress, quoted, source_options, stderr_is_colored,
    warning, warnings,
};
pub(crate) use plan::{ChangeReasons, batch_title, encoded_key, hint, kind, plan, reasons};
pub(crate) use progress::Progress;
pub(crate) use prompt::{confirm, secret};
pub(crate) use report::report;
pub(crate) use spinner::{spinning, with_spinner};
pub(crate) use style::{bold, dim, green, red, styled, yellow};
pub(crate) use text::{count, escaped};
