//! What `--help` of the built program says: subcommands, options and whether there are arguments.

use std::collections::{BTreeMap, BTreeSet};

/// Reads `--help` of each command once. `print` gets the subcommands' names and returns the text.
pub(crate) struct Help<F> {
    print: F,
    known: BTreeMap<Vec<String>, Usage>,
}

#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) subcommands: BTreeSet<String>,
    /// Each option's names, and whether a value follows.
    pub(crate) options: BTreeMap<String, bool>,
    pub(crate) takes_arguments: bool,
}

impl<F: FnMut(&[String]) -> Result<String, String>> Help<F> {
    pub(crate) fn new(print: F) -> Self {
        Self { print, known: BTreeMap::new() }
    }

    pub(crate) fn of(&mut self, path: &[String]) -> Result<&Usage, String> {
        if !self.known.contains_key(path) {
            let usage = Usage::parse(&(self.print)(path)?);
            self.known.insert(path.to_owned(), usage);
        }
        Ok(&self.known[path])
    }
}

impl Usage {
    fn parse(text: &str) -> Self {
        let mut usage = Self::default();
        let mut section = "";
        for line in text.lines() {
            let name = line.trim_start();
            match (section, name.split_whitespace().next()) {
                _ if name == line && !name.is_empty() => section = line,
                ("Commands:", Some(command)) if line.find(command) == Some(2) => {
                    usage.subcommands.insert(command.to_owned());
                }
                ("Arguments:", Some(_)) => usage.takes_arguments = true,
                ("Options:", Some(option)) if option.len() > 1 && option.starts_with('-') => usage.add_option(name),
                _ => (),
            }
        }
        usage
    }

    /// Such as `-m, --message <TEXT>  Reason for the change`.
    fn add_option(&mut self, line: &str) {
        let names = line.split("  ").next().unwrap_or_default();
        let takes_value = names.contains('<');
        for name in names.split(", ").filter_map(|name| name.split_whitespace().next()) {
            self.options.insert(name.to_owned(), takes_value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_of_clap_is_read() {
        let usage = Usage::parse(
            "Run it\n\nUsage: x [OPTIONS] <EVENT>\n\nCommands:\n  go    Goes\n        far away\n\nArguments:\n  <EVENT>  Event\n\nOptions:\n  -m, --message <TEXT>  Reason\n\n      --deny <WHAT>\n          Possible values:\n          - warnings: Warnings\n  -h, --help  Print help\n\nExamples:\n  x --gone\n",
        );
        assert_eq!(usage.subcommands.iter().collect::<Vec<_>>(), ["go"]);
        let options: Vec<_> = usage.options.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(options, [("--deny", true), ("--help", false), ("--message", true), ("-h", false), ("-m", true)]);
        assert!(usage.takes_arguments);
    }
}
