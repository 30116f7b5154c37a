//! What is wrong with a line that is no TOML, in words for those who do not know TOML.

use std::str::Chars;

use purge_router_core::meant_pattern;

use crate::format::tables::{is_field, is_list, unquoted_help};
use crate::read::plain_value::items_of;

/// A mistake in one line, and how to write it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LineMistake {
    pub(super) message: String,
    pub(super) help: String,
    /// Whether a string is not closed, so that the next lines may be read as a part of its array.
    pub(super) is_unclosed: bool,
}

impl LineMistake {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into(), is_unclosed: false }
    }
}

/// The longest line that is looked into, in bytes: messages repeat parts of it.
const LONGEST: usize = 1_000;

/// The usual mistake that a line has; `None` if it has none of these. The line is known to be wrong, and to be no part of a string of
/// several lines.
pub(super) fn line_mistake(line: &str) -> Option<LineMistake> {
    if line.len() > LONGEST {
        return None;
    }
    let code = Code::of(line);
    let bare = code.bare.trim();
    if bare.starts_with("//") {
        return Some(LineMistake::new("`//` begins no comment in TOML", "begin it with `#`"));
    }
    if let Some(escape) = code.bad_escape {
        return Some(LineMistake::new(format!("`\\{escape}` is no escape of TOML"), help_with_escape(line)));
    }
    if let Some(quote) = bare.chars().find(|char| TYPOGRAPHIC_QUOTES.contains(*char)) {
        return Some(LineMistake::new(format!("`{quote}` is no quote in TOML"), "write straight quotes: \"…\""));
    }
    if code.is_unclosed {
        let mistake = LineMistake::new("a quote is missing", "write a quote before and after each string: \"…\"");
        return Some(LineMistake { is_unclosed: true, ..mistake });
    }
    if let Some(mistake) = brackets(line, bare) {
        return Some(mistake);
    }
    let is_item = line.starts_with([' ', '\t']);
    match bare.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
        Some((name, value)) if is_key(name) && (!is_item || is_field(name)) => value_mistake(name, value),
        Some(_) if is_item => unquoted_item(bare),
        Some(_) => None,
        None => name_mistake(bare, is_item),
    }
}

/// Quotes that editors and chats put in the place of `"` and `'`.
const TYPOGRAPHIC_QUOTES: &str = "“”„‟‘’‚‛«»";

/// `mode = invalidate`, `hostnames = [www.website.com]` or `mode = "purge",`.
fn value_mistake(name: &str, value: &str) -> Option<LineMistake> {
    if value.is_empty() {
        return Some(LineMistake::new(format!("`{name}` has no value"), format!("write `{name} = …`")));
    }
    let end = value.chars().next_back().filter(|end| matches!(end, ',' | ';'));
    let ended = end.and_then(|end| value.strip_suffix(end)).unwrap_or(value);
    unquoted(name, ended).or_else(|| {
        let help = "remove it: TOML ends a value with its line";
        let end = end.filter(|_| !ended.contains(['{', '[']))?;
        Some(LineMistake::new(format!("a `{end}` follows the value of `{name}`"), help))
    })
}

fn unquoted(name: &str, value: &str) -> Option<LineMistake> {
    if let Some(boolean) = ["true", "false"].into_iter().find(|it| value.eq_ignore_ascii_case(it)) {
        let mistake =
            || LineMistake::new(format!("`{value}` is not in lower case"), format!("write `{name} = {boolean}`"));
        return (value != boolean).then(mistake);
    }
    let has_other = value.contains(['"', '\'', '`', '=']) || value.parse::<f64>().is_ok();
    let list = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let inner = list.unwrap_or(value);
    if has_other || inner.contains(['[', ']']) || (list.is_none() && value.contains(['{', '}']) && !is_list(name)) {
        return None;
    }
    if let Some(help) = unquoted_help(name) {
        return Some(LineMistake::new(format!("`{value}` is no value of `{name}`"), help));
    }
    let is_list = list.is_some() || is_list(name);
    let items = if is_list { items_of(inner) } else { vec![value] };
    let first = items.iter().find(|item| item.parse::<f64>().is_err())?;
    let quoted = items.iter().map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(", ");
    let quoted = if is_list { format!("[{quoted}]") } else { quoted };
    Some(LineMistake::new(format!("`{first}` is not in quotes"), format!("write `{name} = {quoted}`")))
}

/// `mode` or `mode: "purge"`; or an item of an array, such as `www.website.com,`.
fn name_mistake(bare: &str, is_item: bool) -> Option<LineMistake> {
    if is_item && let Some(item) = unquoted_item(bare) {
        return Some(item);
    }
    let (name, value) = bare.split_once(':').unwrap_or((bare, ""));
    match bare.contains(':') {
        _ if !is_key(name) || value.starts_with("//") => None,
        true => Some(LineMistake::new(format!("a `:` follows `{name}`"), format!("write `{name} = …`"))),
        false => Some(LineMistake::new(format!("`{name}` has no value"), format!("write `{name} = …`"))),
    }
}

fn unquoted_item(bare: &str) -> Option<LineMistake> {
    let item = bare.trim_end_matches(',').trim_end();
    let is_name = item.contains(char::is_alphabetic) && !item.contains(['"', '`', '[', ']', ' ', ',']);
    let is_field = item.split([':', '=']).next().is_some_and(|name| is_field(name.trim()));
    (is_name && !is_field).then(|| LineMistake::new(format!("`{item}` is not in quotes"), format!("write \"{item}\"")))
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.'))
}

/// A header without its last bracket, or strings without a comma between them.
fn brackets(line: &str, bare: &str) -> Option<LineMistake> {
    let brackets = bare.chars().take_while(|char| *char == '[').count();
    if (1..=2).contains(&brackets) && !bare.contains(['=', ',']) && !bare.ends_with(&"]".repeat(brackets)) {
        let name = line.split('#').next().unwrap_or(line).trim().trim_end_matches(']');
        return Some(LineMistake::new("a `]` is missing", format!("write `{name}{}`", "]".repeat(brackets))));
    }
    let without_spaces: String = bare.chars().filter(|char| !char.is_whitespace()).collect();
    let is_list = without_spaces.contains("\"\"\"\"") && without_spaces.contains('[');
    is_list.then(|| LineMistake::new("a `,` is missing", "write a `,` between two strings: [\"…\", \"…\"]"))
}

/// How to write a string with a `\` in it.
fn help_with_escape(line: &str) -> String {
    let strings = line.split('"').skip(1).step_by(2);
    let meant = strings.filter(|text| text.contains('\\')).find_map(|text| meant_pattern(text, ""));
    meant.map_or_else(|| r"write `\\` for `\`, or the string in single quotes: '…'".to_owned(), |meant| meant.help)
}

/// A line without its comment.
struct Code {
    /// The line with `""` in place of each string.
    bare: String,
    /// Whether a string does not end on the line.
    is_unclosed: bool,
    /// What follows the first `\` of a string in double quotes that TOML does not know.
    bad_escape: Option<char>,
}

impl Code {
    fn of(line: &str) -> Self {
        let mut code = Self { bare: String::new(), is_unclosed: false, bad_escape: None };
        let mut chars = line.chars();
        while let Some(char) = chars.next() {
            match char {
                '#' => break,
                '"' | '\'' => {
                    code.bare.push_str("\"\"");
                    code.skip_string(&mut chars, char);
                }
                _ => code.bare.push(char),
            }
        }
        code
    }

    /// Reads a string whose first quote was read.
    fn skip_string(&mut self, chars: &mut Chars<'_>, quote: char) {
        while let Some(char) = chars.next() {
            match char {
                '\\' if quote == '"' => {
                    let escape = chars.next();
                    self.bad_escape = self.bad_escape.or(escape.filter(|it| !ESCAPES.contains(*it)));
                }
                _ if char == quote => return,
                _ => {}
            }
        }
        self.is_unclosed = true;
    }
}

/// What may follow a `\` in TOML.
const ESCAPES: &str = "btnfre\"\\uUx";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_mistakes_are_named() {
        let quotes = "write a quote before and after each string: \"…\"";
        let numbers = "write a whole number, without quotes, `,` and unit";
        for (line, message, help) in [
            ("mode = invalidate", "`invalidate` is not in quotes", "write `mode = \"invalidate\"`"),
            ("mode = invalidate,", "`invalidate` is not in quotes", "write `mode = \"invalidate\"`"),
            ("zones = website.com", "`website.com` is not in quotes", "write `zones = [\"website.com\"]`"),
            ("include = *.css, *.js", "`*.css` is not in quotes", "write `include = [\"*.css\", \"*.js\"]`"),
            ("include = [*.{css,js}]", "`*.{css,js}` is not in quotes", "write `include = [\"*.{css,js}\"]`"),
            ("[teams.web", "a `]` is missing", "write `[teams.web]`"),
            ("[[teams.web.mappings]", "a `]` is missing", "write `[[teams.web.mappings]]`"),
            ("[teams.web.zones.\"w.com\" # ours", "a `]` is missing", "write `[teams.web.zones.\"w.com\"]`"),
            ("include = [\"a\" \"b\"]", "a `,` is missing", "write a `,` between two strings: [\"…\", \"…\"]"),
            ("// a comment", "`//` begins no comment in TOML", "begin it with `#`"),
            ("mode = \"purge\";", "a `;` follows the value of `mode`", "remove it: TOML ends a value with its line"),
            (r#"include = [".*\.js$"]"#, r"`\.` is no escape of TOML", "write `*.js`"),
            (r#"a = "\d""#, r"`\d` is no escape of TOML", r"write `\\` for `\`, or the string in single quotes: '…'"),
            ("prefix = a/b # here", "`a/b` is not in quotes", "write `prefix = \"a/b\"`"),
            ("hostnames = [a.com, b.com]", "`a.com` is not in quotes", "write `hostnames = [\"a.com\", \"b.com\"]`"),
            ("clean_urls = True", "`True` is not in lower case", "write `clean_urls = true`"),
            ("clean_urls = yes", "`yes` is no value of `clean_urls`", "write `true` or `false`, without quotes"),
            ("again_after = 5s", "`5s` is no value of `again_after`", numbers),
            ("escalate_above = 1,000", "`1,000` is no value of `escalate_above`", numbers),
            ("verify = 1%", "`1%` is no value of `verify`", "write a number such as 0.01, without quotes"),
            ("mode = “purge”", "`“` is no quote in TOML", "write straight quotes: \"…\""),
            ("mode = \"purge", "a quote is missing", quotes),
            ("include = [\"*.css, \"*.js\"]", "a quote is missing", quotes),
            ("mode = \"purge\",", "a `,` follows the value of `mode`", "remove it: TOML ends a value with its line"),
            ("mode: \"purge\"", "a `:` follows `mode`", "write `mode = …`"),
            ("mode", "`mode` has no value", "write `mode = …`"),
            ("mode =", "`mode` has no value", "write `mode = …`"),
            ("  www.website.com,", "`www.website.com` is not in quotes", "write \"www.website.com\""),
            (
                "  https://www.website.com/a,",
                "`https://www.website.com/a` is not in quotes",
                "write \"https://www.website.com/a\"",
            ),
            ("  v=1,", "`v=1` is not in quotes", "write \"v=1\""),
            ("  mode = purge", "`purge` is not in quotes", "write `mode = \"purge\"`"),
            ("zone_id = 023e105f4ecef8", "`023e105f4ecef8` is not in quotes", "write `zone_id = \"023e105f4ecef8\"`"),
        ] {
            let found = line_mistake(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((found.message.as_str(), found.help.as_str()), (message, help), "{line}");
        }
    }

    #[test]
    fn lines_whose_mistake_is_another_one() {
        for line in [
            "x".repeat(LONGEST + 1).as_str(),
            "a = = 3",
            "key = \"it's\" # don't",
            "[teams]",
            "urls_per_request = 0100",
            "clean_urls = true",
            "again_after = -1",
            "verify = 0.01",
            "include = [[*.css]]",
            "vary = { a = \"b\" ",
            "```toml",
            "",
        ] {
            assert_eq!(line_mistake(line), None, "{line}");
        }
    }
}
