//! Reading a mapping file or a table, and problems drawn with carets.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use purge_router_aws::{DynamoMappings, Editor, Lookup, TableError, load_patient_config, with_caller};
use purge_router_cloudflare::mask;
use purge_router_config::{Problem, Skipped};
use purge_router_core::names::BucketName;
use purge_router_core::{Code, Mappings};
use purge_router_pipeline::Clock;
use serde::Serialize;

use crate::args::MappingsArg;
use crate::{Misuse, print};

/// How long a table may take to answer for the buckets of an event, and longer than its answer is needed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads all mappings of a file or a table. Problems go to standard error; `None` says that there were some in a file.
pub(crate) async fn load(args: &MappingsArg) -> anyhow::Result<Option<Mappings>> {
    let Some(table) = &args.table else { return load_file(&args.file.path()) };
    let (mappings, skipped) = load_table(table).await?;
    warn(&skipped);
    Ok(Some(mappings))
}

/// Reads what is mapped of these buckets, as the function does.
pub(crate) async fn load_of(args: &MappingsArg, buckets: BTreeSet<BucketName>) -> anyhow::Result<Option<Mappings>> {
    let Some(table) = &args.table else { return load_file(&args.file.path()) };
    let clock = Clock::system();
    let config = load_patient_config().await;
    let store = DynamoMappings::new(&config, table.clone(), PATIENCE, clock.clone()).map_err(misuse)?;
    let Lookup { mappings, unreadable, skipped } = store.lookup(buckets, clock.now() + PATIENCE).await;
    if let Some((bucket, error)) = unreadable.into_iter().next() {
        let error = with_caller(&config, error).await;
        return Err(only_for_operators(error).context(format!("can't read the mappings of the bucket {bucket}")));
    }
    warn(&skipped);
    Ok(Some(mappings))
}

/// Reads all mappings of a table, and what of it can't be read.
pub(crate) async fn load_table(table: &str) -> anyhow::Result<(Mappings, Vec<Skipped>)> {
    let config = load_patient_config().await;
    let editor = Editor::new(&config, table.to_owned()).map_err(misuse)?;
    match editor.all_rows().await {
        Ok(rows) => Ok(purge_router_config::from_rows(&rows)),
        Err(error) => Err(only_for_operators(with_caller(&config, error).await)),
    }
}

/// A team's editors may read their own rows only, and there is another way for them.
pub(crate) fn only_for_operators(error: TableError) -> anyhow::Error {
    let help =
        "the whole table is for operators; a team pulls its own mappings into a file: `mappings pull --team NAME`";
    match error {
        TableError::Denied(_) => anyhow::anyhow!("{error}; {help}"),
        error => error.into(),
    }
}

/// What can't be meant.
pub(crate) fn misuse(error: impl std::fmt::Display) -> Misuse {
    Misuse(error.to_string())
}

/// Tells which rows the function leaves out, and why.
pub(crate) fn warn(skipped: &[Skipped]) {
    for problem in skipped.iter().flat_map(|skipped| &skipped.problems) {
        print::warning(&print::shown(&format!("a row is left out: {problem}")));
    }
}

fn load_file(path: &Path) -> anyhow::Result<Option<Mappings>> {
    let text = read(path)?;
    match purge_router_config::from_toml(&text) {
        Ok(mappings) => Ok(Some(mappings)),
        Err(problems) => {
            draw(path, &text, &problems);
            Ok(None)
        }
    }
}

/// The text of a mapping file.
pub(crate) fn read(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let hint = "name it with --mappings or MAPPINGS_FILE; `purge-router init` writes an example";
    let bytes =
        std::fs::read(path).map_err(|error| Misuse(format!("can't read the mapping file {shown}: {error}; {hint}")))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow::anyhow!("the mapping file {shown} is not UTF-8, from byte {at} on; save it as UTF-8")
    })
}

/// Draws all problems on standard error, each under the line that it is in.
pub(crate) fn draw(path: &Path, text: &str, problems: &[Problem]) {
    let renderer = if print::stderr_is_colored() { Renderer::styled() } else { Renderer::plain() };
    let name = path.display().to_string();
    let masked = mask(text);
    let text = masked.as_ref();
    for problem in problems {
        let (message, help) = (print::shown(&mask(&problem.message)), print::shown(&mask(&problem.help)));
        let title = Level::ERROR.primary_title(&message).id(problem.code.as_str());
        let help = Level::HELP.message(&help);
        let place = mask(&problem.place.to_string()).into_owned();
        let span = problem.span.clone().unwrap_or_default();
        let snippet = Snippet::source(text).path(&name).annotation(AnnotationKind::Primary.span(span).label(&place));
        let report = [title.element(snippet).element(help)];
        anstream::eprintln!("{}\n", renderer.render(&report));
    }
    let count = problems.len();
    print::error(&format!("{name} has {count} problem{}", if count == 1 { "" } else { "s" }));
}

/// A problem for machines.
#[derive(Serialize)]
pub(crate) struct ProblemJson<'p> {
    code: Code,
    place: String,
    message: Cow<'p, str>,
    help: Cow<'p, str>,
    value: Cow<'p, str>,
    line: usize,
    column: usize,
}

impl<'p> ProblemJson<'p> {
    /// Lines and columns count from 1, columns in characters.
    pub(crate) fn new(text: &'p str, problem: &'p Problem) -> Self {
        let span = problem.span.clone().unwrap_or_default();
        let before = text.get(..span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            code: problem.code,
            place: mask(&problem.place.to_string()).into_owned(),
            message: mask(&problem.message),
            help: mask(&problem.help),
            value: mask(text.get(span).unwrap_or_default()),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}
