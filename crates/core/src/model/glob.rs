//! Globs as gitignore reads them, on globset, relative to a mapping's prefix and case-sensitive.
//!
//! A pattern without `/` matches the file name at any depth; with one, `*` and `?` stop at `/` and `**` crosses it; a
//! leading `/` anchors; a trailing `/` means everything below. `?` and `[ab]` stand for one byte, so for ASCII
//! characters only. Patterns are bounded, so that no mapping is slow to match.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::code::Code;
use crate::model::invalid::Invalid;

/// The longest pattern, in bytes.
pub const PATTERN_LENGTH: usize = 256;
/// The most alternates (`{a,b}`) in one pattern.
pub const PATTERN_ALTERNATES: usize = 64;
/// The most patterns in one list of a mapping.
pub const PATTERNS: usize = 64;

/// One pattern that compiles.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    glob: globset::Glob,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The pattern is not a glob, or exceeds a bound.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bad = |code, message: String, help: &str| Err(Invalid::new(code, message, help));
        if text.is_empty() {
            return bad(
                Code::BadGlob,
                "an empty pattern matches nothing".to_owned(),
                "leave it out, or write `**` for everything",
            );
        }
        if text.len() > PATTERN_LENGTH {
            let start: String = text.chars().take(40).collect();
            let message = format!("`{start}…` has {} bytes, more than {PATTERN_LENGTH}", text.len());
            return bad(Code::GlobTooLong, message, "split it into several patterns");
        }
        if text.starts_with('!') {
            return bad(Code::NegatedGlob, format!("`{text}` is a negation"), "write it in `exclude`, without the `!`");
        }
        if text.split('/').any(|segment| segment == "." || segment == "..") {
            return bad(
                Code::BadGlob,
                format!("`{text}` has a `.` or `..` segment"),
                "no URL leads to a key with such a segment",
            );
        }
        if has_class_beyond_ascii(text) {
            let help = "classes and `?` stand for one byte: write such characters outside of them, or `{ä,ö}`";
            return bad(Code::BadGlob, format!("`{text}` has a class with a character that is not ASCII"), help);
        }
        let alternates = text.matches(['{', ',']).count();
        if alternates > PATTERN_ALTERNATES {
            let message = format!("`{text}` has more than {PATTERN_ALTERNATES} alternates");
            return bad(Code::TooManyAlternates, message, "split it into several patterns");
        }
        let compiled = GlobBuilder::new(&anywhere(text))
            .literal_separator(true)
            .backslash_escape(true)
            .case_insensitive(false)
            .empty_alternates(true)
            .build();
        match compiled {
            Ok(glob) => Ok(Self { text: text.to_owned(), glob }),
            Err(error) => bad(
                Code::BadGlob,
                format!("`{text}` is not a glob: {}", error.kind()),
                r"the syntax is globset's: `*`, `?`, `**`, `[ab]`, `{a,b}`, and `\` before a character that is meant literally",
            ),
        }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Whether a `[class]` holds a character of several bytes. A `]` that comes first is a member, and `\` escapes outside.
fn has_class_beyond_ascii(text: &str) -> bool {
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char == '\\' {
            chars.next();
        } else if char == '[' {
            chars.next_if(|next| matches!(next, '!' | '^'));
            let first = chars.next();
            let members = first.into_iter().chain(chars.by_ref().take_while(|member| *member != ']'));
            if !members.into_iter().all(|member| member.is_ascii()) {
                return true;
            }
        }
    }
    false
}

/// The pattern in globset's syntax, which is always relative to the root.
fn anywhere(text: &str) -> String {
    let (below, text) = match text.strip_suffix('/') {
        Some(text) => ("/**", text),
        None => ("", text),
    };
    match text.strip_prefix('/') {
        Some(anchored) => format!("{anchored}{below}").trim_start_matches('/').to_owned(),
        None if text.is_empty() => "**".to_owned(),
        None if text.contains('/') => format!("{text}{below}"),
        None => format!("**/{text}{below}"),
    }
}

/// A list of patterns, matched at once.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    patterns: Vec<String>,
    set: GlobSet,
}

impl Patterns {
    /// Joins patterns; more than [`PATTERNS`] are refused.
    pub fn new(patterns: Vec<Pattern>) -> Result<Self, Invalid> {
        if patterns.len() > PATTERNS {
            return Err(Invalid::new(
                Code::TooManyGlobs,
                format!("{} patterns are more than {PATTERNS}", patterns.len()),
                "join some of them as `{a,b}`, or write a second mapping",
            ));
        }
        let mut set = GlobSetBuilder::new();
        for pattern in &patterns {
            set.add(pattern.glob.clone());
        }
        let set = set.build().map_err(|error| {
            Invalid::new(
                Code::BadGlob,
                format!("the patterns are too large together: {}", error.kind()),
                "write fewer patterns",
            )
        })?;
        Ok(Self { patterns: patterns.into_iter().map(|pattern| pattern.text).collect(), set })
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The patterns as written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.patterns.iter().map(String::as_str)
    }

    /// The bytes of all patterns.
    pub fn size(&self) -> usize {
        self.patterns.iter().map(String::len).sum()
    }

    /// The first pattern that matches a key relative to the mapping's prefix.
    pub fn first_match(&self, relative_key: &str) -> Option<&str> {
        let index = self.set.matches(relative_key).into_iter().min()?;
        self.patterns.get(index).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_read_as_gitignore_reads_them() {
        for (pattern, key, matches) in [
            ("*.css", "app.css", true),
            ("*.css", "a/b/app.css", true),
            ("*.css", "app.CSS", false),
            ("*.css", "app.css/x", false),
            ("*.{css,js}", "a/app.js", true),
            ("app{,.min}.js", "app.js", true),
            ("app{,.min}.js", "app.min.js", true),
            ("blog/**", "blog/a/b.html", true),
            ("blog/**", "old/blog/a.html", false),
            ("blog/*", "blog/a.html", true),
            ("blog/*", "blog/a/b.html", false),
            ("blog/?.html", "blog/a.html", true),
            ("blog/?.html", "blog/ab.html", false),
            ("**/blog/*.html", "blog/a.html", true),
            ("**/blog/*.html", "x/blog/a.html", true),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("/robots.txt", "robots.txt", true),
            ("/robots.txt", "a/robots.txt", false),
            ("drafts/", "drafts/a", true),
            ("drafts/", "a/drafts/b/c", true),
            ("drafts/", "drafts", false),
            ("/drafts/", "drafts/a", true),
            ("/drafts/", "a/drafts/b", false),
            ("a/drafts/", "a/drafts/b", true),
            ("a/drafts/", "b/a/drafts/b", false),
            ("/", "anything/at/all", true),
            ("**", "anything/at/all", true),
            ("*", ".hidden", true),
            ("[ab].css", "b.css", true),
            (r"\*.css", "*.css", true),
            (r"\*.css", "a.css", false),
            (r"\[ä\].gif", "[ä].gif", true),
            ("{ä,ö}.gif", "ö.gif", true),
            ("über*.png", "x/über uns.png", true),
            ("*.css", "line\nbreak.css", true),
            ("a/**", "a/line\nbreak", true),
        ] {
            let patterns = Patterns::new(vec![Pattern::parse(pattern).unwrap()]).unwrap();
            assert_eq!(patterns.first_match(key).is_some(), matches, "`{pattern}` on `{key}`");
        }
    }

    #[test]
    fn patterns_over_a_bound_are_refused() {
        let long = "a".repeat(PATTERN_LENGTH + 1);
        let wide = format!("{{{}a}}", "a,".repeat(PATTERN_ALTERNATES));
        for (pattern, code) in [
            ("", "bad-glob"),
            ("[a", "bad-glob"),
            ("{a", "bad-glob"),
            ("./a", "bad-glob"),
            ("a/../b", "bad-glob"),
            ("[äö].gif", "bad-glob"),
            ("[]ä].gif", "bad-glob"),
            ("[!ä].gif", "bad-glob"),
            ("!a", "negated-glob"),
            (long.as_str(), "glob-too-long"),
            (wide.as_str(), "too-many-alternates"),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap_err().code.as_str(), code, "{pattern}");
        }
        let many = vec![Pattern::parse("a").unwrap(); PATTERNS + 1];
        assert_eq!(Patterns::new(many).unwrap_err().code.as_str(), "too-many-globs");
    }

    #[test]
    fn the_first_pattern_that_matches_is_named() {
        let patterns =
            Patterns::new(["*.js", "a/*", "*.css"].map(|text| Pattern::parse(text).unwrap()).to_vec()).unwrap();
        assert_eq!(patterns.first_match("a/app.css"), Some("a/*"));
        assert_eq!(patterns.first_match("b/app.png"), None);
    }
}
