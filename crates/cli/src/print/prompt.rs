//! Questions on the terminal.

use std::io::{IsTerminal, Write};

use crate::exit::Misuse;
use crate::print::style::bold;

/// Asks a question that is answered with yes or no.
///
/// # Errors
/// Standard input is not a terminal.
pub(crate) fn confirm(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Misuse("not a terminal, so I can't ask; add --yes".to_owned()).into());
    }
    let mut terminal = anstream::stderr();
    write!(terminal, "{} [y/N] ", bold(question))?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
