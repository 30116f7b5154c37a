//! Patterns that are valid, but hardly say what their author means.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::model::glob::{Pattern, Patterns};

/// What the author of a pattern probably means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeantPattern {
    /// The kind of the mistake, in kebab-case.
    pub code: &'static str,
    /// What the pattern says instead, as the end of a sentence that begins with the pattern.
    pub says: String,
    /// What to write in its place.
    pub help: String,
    /// The patterns that `help` names.
    write: Vec<String>,
}

impl MeantPattern {
    fn new(code: &'static str, says: impl Into<String>, pattern: Option<String>) -> Self {
        let help = match &pattern {
            Some(pattern) => format!("write `{pattern}`"),
            None => "write a glob, such as `*.css`, `css/**` or `*.{css,js}`".to_owned(),
        };
        Self { code, says: says.into(), help, write: pattern.into_iter().collect() }
    }

    /// Another pattern may stand for it in this case.
    fn or(self, pattern: String, case: &str) -> Self {
        let help = format!("{}, or `{pattern}` for {case}", self.help);
        Self { help, write: [self.write, vec![pattern]].concat(), ..self }
    }

    /// Whether what is meant matches this key, which is relative to the source's prefix.
    pub(super) fn matches(&self, relative_key: &str) -> bool {
        self.write.iter().any(|pattern| matches(pattern, relative_key))
    }
}

/// What a pattern of a mapping with this prefix probably means; `None` if it may well mean what it says.
pub fn meant_pattern(pattern: &str, prefix: &str) -> Option<MeantPattern> {
    whole_url(pattern, prefix)
        .or_else(|| several_patterns(pattern, prefix))
        .or_else(|| regular_expression(pattern, prefix))
        .or_else(|| repeated_prefix(pattern, prefix))
        .or_else(|| space_in_braces(pattern, prefix))
        .or_else(|| bare_extension(pattern))
}

/// A part of a pattern, or what it means.
fn settled(pattern: &str, prefix: &str) -> String {
    let meant = meant_pattern(pattern, prefix).and_then(|meant| meant.write.into_iter().next());
    meant.unwrap_or_else(|| pattern.to_owned())
}

thread_local! {
    /// The patterns that were compared: the same ones are compared with many keys.
    static COMPARED: RefCell<HashMap<String, Option<Patterns>>> = RefCell::default();
}

/// How many patterns are kept.
const MOST_COMPARED: usize = 1_000;

/// Whether a pattern is valid and matches this key.
pub(super) fn matches(pattern: &str, relative_key: &str) -> bool {
    COMPARED.with_borrow_mut(|compared| {
        if compared.len() == MOST_COMPARED {
            compared.clear();
        }
        let parse = || Pattern::parse(pattern).and_then(|pattern| Patterns::new(vec![pattern])).ok();
        if !compared.contains_key(pattern) {
            compared.insert(pattern.to_owned(), parse());
        }
        let patterns = compared.get(pattern).and_then(Option::as_ref);
        patterns.is_some_and(|patterns| patterns.first_match(relative_key).is_some())
    })
}

/// `s3://bucket/*.css` or `https://www.website.com/*.css`.
fn whole_url(pattern: &str, prefix: &str) -> Option<MeantPattern> {
    let (scheme, rest) = pattern.split_once("://")?;
    let path = rest.split_once('/').map(|(_, path)| path);
    // A URL's path may differ from the key.
    let relative = path.filter(|_| scheme == "s3").and_then(|path| path.strip_prefix(prefix));
    let write = relative.map(|rest| if rest.is_empty() { "**".to_owned() } else { format!("/{rest}") });
    let says = "has a scheme and a host or bucket, and is compared with what follows the source's prefix in keys";
    matches!(scheme, "s3" | "http" | "https").then(|| MeantPattern::new("url-as-pattern", says, write))
}

fn repeated_prefix(pattern: &str, prefix: &str) -> Option<MeantPattern> {
    let rest = pattern.trim_start_matches('/').strip_prefix(prefix).filter(|_| !prefix.is_empty())?;
    let says = format!("repeats the source's prefix `{prefix}`, to which patterns are relative");
    let meant = |pattern: String| MeantPattern::new("repeated-prefix", says, Some(pattern));
    let has_folder = rest.trim_end_matches('/').contains('/') || rest.starts_with("**");
    Some(match rest {
        "" => meant("**".to_owned()),
        _ if has_folder && !pattern.starts_with('/') => meant(rest.to_owned()),
        _ if has_folder => meant(format!("/{rest}")),
        _ => meant(format!("/{rest}")).or(rest.to_owned(), "any depth"),
    })
}

/// `*.css, *.js`, `*.css *.js` or `css/**|js/**` in one string.
fn several_patterns(pattern: &str, prefix: &str) -> Option<MeantPattern> {
    let mut depth = 0_usize;
    let is_separator = |char: char| {
        match char {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && matches!(char, ',' | ';' | '|' | ' ')
    };
    let parts: Vec<&str> = pattern.split(is_separator).filter(|part| !part.is_empty()).collect();
    let is_pattern = |part: &&str| match pattern.contains([',', ';', '|']) {
        true => part.contains('*') || is_extension(part),
        false => part.starts_with("*."),
    };
    if parts.len() < 2 || !parts.iter().all(is_pattern) || parts.iter().all(|part| is_extension(part)) {
        return None;
    }
    let write: Vec<String> = parts.iter().map(|part| settled(part, prefix)).collect();
    let strings: Vec<String> = write.iter().map(|pattern| format!("\"{pattern}\"")).collect();
    let help = format!("write {} strings: {}", strings.len(), strings.join(", "));
    Some(MeantPattern { code: "several-patterns", says: "is one pattern, not several".to_owned(), help, write })
}

/// A space beside the `,` or the braces of `{a, b}` is a part of the name.
fn space_in_braces(pattern: &str, prefix: &str) -> Option<MeantPattern> {
    let says = "has a space in its braces, which is a part of the names that it matches";
    let without = without_spaces_in_braces(pattern).filter(|_| !pattern.contains(['[', '\\']))?;
    Some(MeantPattern::new("space-in-braces", says, Some(settled(&without, prefix))))
}

/// The pattern without the spaces at the ends of its alternates; `None` if there are none, or one of the alternates is empty: then a
/// name with a space is another one beside the name without.
fn without_spaces_in_braces(pattern: &str) -> Option<String> {
    let (mut text, mut depth, mut chars) = (String::new(), 0_usize, pattern.chars().peekable());
    while let Some(char) = chars.next() {
        match char {
            '{' => depth += 1,
            ',' | '}' if depth > 0 => text.truncate(text.trim_end_matches(' ').len()),
            _ => {}
        }
        if depth > 0 && matches!(char, ',' | '}') && text.ends_with(['{', ',']) {
            return None;
        }
        text.push(char);
        if depth > 0 && matches!(char, '{' | ',') {
            while chars.next_if_eq(&' ').is_some() {}
        }
        if char == '}' {
            depth = depth.saturating_sub(1);
        }
    }
    (text != pattern).then_some(text)
}

/// Extensions of files on websites, which are hardly the whole name of one.
const EXTENSIONS: [&str; 32] = [
    "avif", "bmp", "css", "csv", "eot", "gif", "htm", "html", "ico", "jpeg", "jpg", "js", "json", "jsx", "map", "md",
    "mjs", "mp3", "mp4", "otf", "pdf", "png", "svg", "ts", "ttf", "txt", "wasm", "webm", "webp", "woff", "woff2",
    "xml",
];

fn is_extension(text: &str) -> bool {
    EXTENSIONS.contains(&text.strip_prefix('.').unwrap_or(text))
}

/// `css`, `.css`, `{css,js}` or `css, js`.
fn bare_extension(pattern: &str) -> Option<MeantPattern> {
    let undotted = pattern.strip_prefix('.').unwrap_or(pattern);
    let braced = undotted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let extensions: Vec<&str> = braced.unwrap_or(pattern).split(',').map(str::trim).collect();
    if !extensions.iter().all(|extension| is_extension(extension)) {
        return None;
    }
    let names: Vec<&str> = extensions.iter().map(|extension| extension.trim_start_matches('.')).collect();
    let (glob, says) = match &names[..] {
        [name] => (format!("*.{name}"), format!("matches only files whose whole name is `{pattern}`")),
        names => (format!("*.{{{}}}", names.join(",")), "matches whole names of files, and not extensions".to_owned()),
    };
    let meant = MeantPattern::new("bare-extension", says, Some(glob));
    Some(if pattern.contains(['.', ',']) { meant } else { meant.or(format!("{pattern}/"), "a folder") })
}

fn regular_expression(pattern: &str, prefix: &str) -> Option<MeantPattern> {
    let has_alternation = |open: char, close: char| {
        let inside = pattern.split_once(open).and_then(|(_, rest)| rest.split_once(close));
        inside.is_some_and(|(alternates, _)| alternates.contains('|'))
    };
    let is_regex = pattern.starts_with('^')
        || pattern.ends_with('$')
        || pattern.contains(r".*\.")
        || pattern.contains(".+")
        || has_alternation('(', ')')
        || has_alternation('[', ']');
    let says = "looks like a regular expression, and is read as a glob";
    let glob = || glob_of_regex(pattern).map(|glob| settled(&glob, prefix));
    is_regex.then(|| MeantPattern::new("regular-expression", says, glob()))
}

/// The glob for an expression of anchors, names, `.*`, `\.`, groups of names, and names in a class. `None` for all else, and for
/// what a glob can't say.
fn glob_of_regex(regex: &str) -> Option<String> {
    let is_whole = regex.starts_with('^');
    let body = regex.trim_start_matches('^').trim_end_matches('$').replace("(?:", "(");
    let has_names = |class: &str| class.split(']').next().is_some_and(|names| names.contains('|'));
    if !body.split('[').skip(1).all(has_names) || body.is_empty() {
        return None;
    }
    let body = body.replace(['(', '['], "{").replace([')', ']'], "}").replace(".+", ".*");
    let folder = body.strip_suffix("/.*").map(|folder| format!("{folder}/**"));
    if folder.is_none() && body.ends_with(".*") {
        return None;
    }
    let body = folder.unwrap_or(body).replace(".*/", "**/").replace("/.*", "/**/*").replace(".*", "*");
    let glob = body.replace(r"\.", ".").replace('|', ",");
    let glob = match glob.contains('/') {
        false if is_whole && !glob.starts_with('*') => format!("/{glob}"),
        false if !is_whole && !glob.starts_with('*') => format!("*{glob}"),
        _ => glob,
    };
    let has_rest = glob.contains(['\\', '^', '$', '+', '?']);
    (!has_rest && Pattern::parse(&glob).is_ok()).then_some(glob)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_are_not_meant() {
        for (pattern, prefix, code, write) in [
            ("uk/*.css", "uk/", "repeated-prefix", "/*.css *.css"),
            ("/uk/css/*", "uk/", "repeated-prefix", "/css/*"),
            ("uk/css/*", "uk/", "repeated-prefix", "css/*"),
            ("uk/**", "uk/", "repeated-prefix", "**"),
            ("uk/", "uk/", "repeated-prefix", "**"),
            ("*.css,*.js", "", "several-patterns", "*.css *.js"),
            ("*.css; *.min.js", "", "several-patterns", "*.css *.min.js"),
            ("*.css *.js", "", "several-patterns", "*.css *.js"),
            ("*.css|*.js", "", "several-patterns", "*.css *.js"),
            ("*.{css,js}, *.html", "", "several-patterns", "*.{css,js} *.html"),
            ("uk/*.css, uk/a/*.js", "uk/", "several-patterns", "/*.css a/*.js"),
            ("blog/**,news/**", "", "several-patterns", "blog/** news/**"),
            ("*.css, js", "", "several-patterns", "*.css *.js"),
            ("*.{css, js}", "", "space-in-braces", "*.{css,js}"),
            ("{css, js}", "", "space-in-braces", "*.{css,js}"),
            ("s3://assets/uk/*.css", "uk/", "url-as-pattern", "/*.css"),
            ("s3://assets/fr/*.css", "uk/", "url-as-pattern", ""),
            ("https://www.website.com/a/*.css", "uk/", "url-as-pattern", ""),
            ("css", "", "bare-extension", "*.css css/"),
            (".css", "", "bare-extension", "*.css"),
            ("{css,js}", "", "bare-extension", "*.{css,js}"),
            (".{css,js}", "", "bare-extension", "*.{css,js}"),
            ("{.css,.js}", "", "bare-extension", "*.{css,js}"),
            ("css,js", "", "bare-extension", "*.{css,js}"),
            (".css, .js", "", "bare-extension", "*.{css,js}"),
            ("*.[css|js]", "", "regular-expression", "*.{css,js}"),
            (r"^css/.*\.js$", "", "regular-expression", "css/**/*.js"),
            (r"uk/.*\.html", "uk/", "regular-expression", "**/*.html"),
            (r".*\.css$", "", "regular-expression", "*.css"),
            (r".*\.css", "", "regular-expression", "*.css"),
            (r"\.css$", "", "regular-expression", "*.css"),
            (r"\.(css|js)$", "", "regular-expression", "*.{css,js}"),
            (r".+\.(css|js)$", "", "regular-expression", "*.{css,js}"),
            ("(?:css|js)/app.js", "", "regular-expression", "{css,js}/app.js"),
            ("^blog/.*", "", "regular-expression", "blog/**"),
            (r"^.+/index\.html$", "", "regular-expression", "**/index.html"),
            ("^index.html$", "", "regular-expression", "/index.html"),
            (r"^[a-z]+\d$", "", "regular-expression", ""),
            (r"img[0-9].*\.(png|jpg)$", "", "regular-expression", ""),
            ("^drafts.*", "", "regular-expression", ""),
            ("^", "", "regular-expression", ""),
        ] {
            let meant = meant_pattern(pattern, prefix).unwrap_or_else(|| panic!("{pattern}"));
            assert_eq!((meant.code, meant.write.join(" ").as_str()), (code, write), "{pattern}");
        }
    }

    #[test]
    fn patterns_that_may_be_meant() {
        for (pattern, prefix) in [
            ("*.css", "uk/"),
            ("ukraine/**", "uk/"),
            ("drafts", ""),
            (".htaccess", ""),
            (".*", ""),
            ("blog/.*", ""),
            (r"*\.css", ""),
            ("app/(shop)/*.html", ""),
            ("$id.js", ""),
            ("a, b/*.{css,js}", ""),
            ("a b.css", ""),
            ("[ab].css", ""),
            ("photo{, copy}.png", ""),
            ("[{]a, b[}]", ""),
        ] {
            assert_eq!(meant_pattern(pattern, prefix), None, "{pattern}");
        }
    }

    #[test]
    fn several_patterns_are_several_strings() {
        let meant = meant_pattern("*.css, *.js", "").unwrap();
        assert_eq!(meant.help, r#"write 2 strings: "*.css", "*.js""#);
    }

    #[test]
    fn spaces_in_braces_are_left_out_and_others_kept() {
        for (pattern, without) in [
            ("*.{css, js}", Some("*.{css,js}")),
            ("*.{ css,  js }", Some("*.{css,js}")),
            ("a, b/{c, d}/e f", Some("a, b/{c,d}/e f")),
            ("{a b,c}", None),
            ("{a,, b}", None),
            ("a, b/*.{css,js}", None),
        ] {
            assert_eq!(without_spaces_in_braces(pattern).as_deref(), without, "{pattern}");
        }
    }
}
