//! The command line.

use std::env;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::measure::Options;

const USAGE: &str = "\
usage: cargo xtask isolation [OPTION…]

  --seconds N    how long each scenario's load lasts (60)
  --seed N       another seed for the times of the changes (1)
  --only TEXT    only scenarios whose names have this text, and those without sick teams
  --logs FOLDER  write the function's logs there

BOOTSTRAP names another build of the function.";

/// The command line.
pub(crate) struct Arguments {
    pub(crate) options: Options,
    pub(crate) only: Option<String>,
}

impl Arguments {
    /// Reads the process's arguments. The error is a message for people.
    pub(crate) fn read() -> Result<Self, String> {
        let bootstrap = env::var("BOOTSTRAP").unwrap_or_else(|_| env!("CARGO_BIN_EXE_bootstrap").to_owned());
        if !Path::new(&bootstrap).is_file() {
            return Err(format!("there is no build of the function at {bootstrap}"));
        }
        let mut options = Options { bootstrap, seed: 1, load_time: Duration::from_secs(60), logs: None };
        let mut only = None;
        // Cargo adds `--bench`.
        let mut arguments = env::args().skip(1).filter(|argument| argument != "--bench");
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{name} needs a value\n\n{USAGE}"));
            match name.as_str() {
                "--seconds" => options.load_time = Duration::from_secs(number(&name, &value()?)?),
                "--seed" => options.seed = number(&name, &value()?)?,
                "--only" => only = Some(value()?),
                "--logs" => options.logs = Some(PathBuf::from(value()?)),
                _ => return Err(USAGE.to_owned()),
            }
        }
        if options.load_time < Duration::from_secs(2) {
            return Err("--seconds must be at least 2".to_owned());
        }
        Ok(Self { options, only })
    }
}

fn number<N: FromStr>(name: &str, text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{name} is `{text}`: write a whole number"))
}
