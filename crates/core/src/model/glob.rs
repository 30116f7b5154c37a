//! Globs as gitignore reads them, but for names of folders, on globset, relative to a mapping's prefix and case-sensitive.
//!
//! A pattern without `/` matches the file name at any depth; with one, `*` and `?` stop at `/` and `**` crosses it; a
//! leading `/` anchors; a trailing `/` means everything below. `?` and `[ab]` stand for one byte, so for ASCII
//! characters only. Patterns are bounded, so that no mapping is slow to match.
//!
//! globset defines what a pattern means, and matches those that need a regex. Most need none: see `route::shape`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::quality::RandomState;
use globset::GlobBuilder;

use crate::model::code::Code;
use crate::model::invalid::Invalid;
use crate::route::program::{self, Condition, LazyRegex, RelativeKey};
use crate::route::shape::shapes;

/// The longest pattern, in bytes.
pub const PATTERN_LENGTH: usize = 256;
/// The most alternates (`{a,b}`) in one pattern.
pub const PATTERN_ALTERNATES: usize = 64;
/// The most patterns in one list of a mapping.
pub const PATTERNS: usize = 64;

/// One valid pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Box<str>,
    condition: Condition,
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
        let has_dots = |text: &str| text.split('/').any(|segment| segment == "." || segment == "..");
        let rest = text.trim_start_matches("./").trim_start_matches('/');
        if text.starts_with("./") && !rest.is_empty() && !has_dots(rest) {
            let help = format!("patterns begin at the source's prefix: write `/{rest}`");
            return bad(Code::BadGlob, format!("`{text}` begins with `./`"), &help);
        }
        if has_dots(text) {
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
        let from_root = from_root(text);
        if let Some(shapes) = shapes(&from_root) {
            return Ok(Self { text: text.into(), condition: Condition::Shapes(shapes) });
        }
        let glob = GlobBuilder::new(&from_root)
            .literal_separator(true)
            .backslash_escape(true)
            .case_insensitive(false)
            .empty_alternates(true)
            .build();
        match glob {
            Ok(glob) => {
                let condition = Condition::Regex(Arc::new(LazyRegex::new(glob)));
                Ok(Self { text: text.into(), condition })
            }
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
pub(crate) fn from_root(text: &str) -> String {
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

/// A list of patterns. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Patterns(Option<Arc<List>>);

/// A list that is not empty.
#[derive(Debug)]
struct List {
    texts: Box<[Box<str>]>,
    /// The bytes of all patterns.
    size: usize,
    program: Box<[u8]>,
    /// The regexes of the patterns that need one, by the pattern's index.
    regexes: BTreeMap<u8, Arc<LazyRegex>>,
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
        if patterns.is_empty() {
            return Ok(Self::default());
        }
        let size = patterns.iter().map(|pattern| pattern.text.len()).sum();
        let (mut texts, mut program, mut regexes) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (index, Pattern { text, condition }) in (0..).zip(patterns) {
            texts.push(text);
            program::encode(&mut program, index, &condition);
            if let Condition::Regex(regex) = condition {
                regexes.insert(index, regex);
            }
        }
        Ok(Self(Some(Arc::new(List { texts: texts.into(), size, program: program.into(), regexes }))))
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The patterns as written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        let texts = self.0.as_ref().map(|list| &*list.texts).unwrap_or_default();
        texts.iter().map(|text| &**text)
    }

    /// The bytes of all patterns.
    pub fn size(&self) -> usize {
        self.0.as_ref().map_or(0, |list| list.size)
    }

    /// The first pattern that matches a key relative to the mapping's prefix.
    pub fn first_match(&self, relative_key: &str) -> Option<&str> {
        let list = self.0.as_ref()?;
        let index = list.first_match(RelativeKey::new(relative_key))?;
        list.texts.get(usize::from(index)).map(|text| &**text)
    }

    /// Whether a pattern matches a key.
    pub(crate) fn is_match(&self, key: RelativeKey<'_>) -> bool {
        self.0.as_ref().is_some_and(|list| list.first_match(key).is_some())
    }

    /// What the list asks of a key, as [`program`] writes it; `None` if that needs a regex.
    pub(crate) fn program_without_regex(&self) -> Option<&[u8]> {
        let list = self.0.as_ref()?;
        list.regexes.is_empty().then_some(&*list.program)
    }

    /// Where the list is in memory: clones are at the same place.
    pub(crate) fn address(&self) -> Option<usize> {
        self.0.as_ref().map(|list| Arc::as_ptr(list).addr())
    }
}

impl List {
    fn first_match(&self, key: RelativeKey<'_>) -> Option<u8> {
        program::first_match(&self.program, key, |index| self.regexes.get(&index).map(Arc::as_ref))
    }
}

/// The bytes of all patterns of some lists, where a list that several share counts once.
pub fn distinct_size<'p>(lists: impl Iterator<Item = &'p Patterns>) -> usize {
    let distinct: HashMap<Option<usize>, usize> = lists.map(|list| (list.address(), list.size())).collect();
    distinct.into_values().sum()
}

/// Lists of patterns by their text, so that mappings with equal lists share one.
#[derive(Debug, Default)]
pub struct KnownPatterns(HashMap<Vec<String>, Patterns, RandomState>);

impl KnownPatterns {
    /// The list with these patterns, if it was read before.
    pub fn get(&self, texts: &[String]) -> Option<Patterns> {
        self.0.get(texts).cloned()
    }

    /// Keeps a list that was read from these patterns.
    pub fn insert(&mut self, texts: &[String], patterns: &Patterns) {
        self.0.insert(texts.to_vec(), patterns.clone());
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
        let help = Pattern::parse("./drafts/").unwrap_err().help;
        assert_eq!(help, "patterns begin at the source's prefix: write `/drafts/`");
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
