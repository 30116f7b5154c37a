//! Questions on the terminal. A signal ends them, and restores the terminal.

use std::io::{ErrorKind, IsTerminal, Write};

use crate::exit::Misuse;
use crate::print::style::bold;
use crate::shutdown;

/// Asks a question that is answered with yes or no.
///
/// # Errors
/// Standard input is not a terminal.
pub(crate) async fn confirm(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Misuse("not a terminal, so I can't ask; add --yes".to_owned()).into());
    }
    let mut open = OpenQuestion::new();
    let mut terminal = anstream::stderr();
    write!(terminal, "{} [y/N] ", bold(question))?;
    terminal.flush()?;
    let answer = shutdown::blocking(|| {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(answer)
    });
    let answer = answer.await?;
    open.is_answered = true;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a secret on the terminal, without echo.
///
/// # Errors
/// There is no terminal.
pub(crate) async fn secret(prompt: &str) -> anyhow::Result<String> {
    let mut open = OpenQuestion::new();
    let prompt = format!("{prompt}: ");
    match shutdown::blocking(move || Ok(rpassword::prompt_password(prompt))).await? {
        Err(error) if error.kind() == ErrorKind::Interrupted => shutdown::interrupt().await,
        answer => {
            open.is_answered = true;
            Ok(answer?)
        }
    }
}

/// Restores the terminal, and ends its line, if a question is dropped without an answer.
struct OpenQuestion {
    is_answered: bool,
    #[cfg(unix)]
    settings: Option<rustix::termios::Termios>,
}

impl OpenQuestion {
    fn new() -> Self {
        Self {
            is_answered: false,
            #[cfg(unix)]
            settings: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }
}

impl Drop for OpenQuestion {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        #[cfg(unix)]
        if let Some(settings) = &self.settings {
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, settings);
        }
        anstream::eprintln!();
    }
}
