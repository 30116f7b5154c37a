//! `check`: all problems of a mapping file at once.

use purge_router_core::Mappings;
use serde_json::json;

use crate::args::CheckArgs;
use crate::mappings::{ProblemJson, draw, read};
use crate::{End, print};

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<End> {
    let path = &args.mappings.mappings;
    let text = read(path)?;
    let read = Mappings::from_toml(&text);
    let problems = read.as_ref().err().map(Vec::as_slice).unwrap_or_default();
    if args.json {
        let problems: Vec<ProblemJson<'_>> = problems.iter().map(|problem| ProblemJson::new(&text, problem)).collect();
        print::json(&json!({ "problems": problems }))?;
    } else if let Ok(mappings) = &read {
        print::out(&format!(
            "{}: {}, {}, {}: {}",
            path.display(),
            print::count(mappings.teams().count(), "team"),
            print::count(mappings.zones().count(), "zone"),
            print::count(mappings.all().len(), "mapping"),
            print::green("no problem"),
        ));
    } else {
        draw(path, &text, problems);
    }
    Ok(if problems.is_empty() { End::Done } else { End::Problems })
}
