//! Colors and weights of text.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();

pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

pub(crate) fn bold(text: impl Display) -> String {
    styled(BOLD, text)
}

pub(crate) fn dim(text: impl Display) -> String {
    styled(DIM, text)
}

pub(crate) fn green(text: impl Display) -> String {
    styled(GREEN, text)
}

pub(crate) fn red(text: impl Display) -> String {
    styled(RED, text)
}

pub(crate) fn yellow(text: impl Display) -> String {
    styled(YELLOW, text)
}
