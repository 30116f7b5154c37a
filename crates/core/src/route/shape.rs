//! What a glob asks of a key, if that takes no regex.
//!
//! ```text
//!  pattern           from the root      shapes
//!  *.{css,js}     →  **/*.{css,js}   →  Suffix(.css), Suffix(.js)
//!  robots.txt     →  **/robots.txt   →  Name(robots.txt)
//!  /robots.txt    →  robots.txt      →  Exact(robots.txt)
//!  blog/**        →  blog/**         →  Below(blog/)
//!  drafts/        →  **/drafts/**    →  BelowAnywhere(drafts/)
//!  img/*.png      →  img/*.png       →  Path(img/*.png)
//!  page*.html     →  **/page*.html   →  PathAnywhere(page*.html)
//!  a/**/z, [ab]?  →  the same        →  none: globset's regex
//! ```
//!
//! globset defines what a pattern means; a test compares the shapes with it. So whatever is not plainly one of these
//! shapes has none.

/// The most shapes that the braces of one pattern are expanded into.
const SHAPES: usize = 64;

/// The longest text of a shape, in bytes: a program keeps its length in one byte.
const TEXT: usize = 255;

/// A condition on a key relative to a mapping's prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The key ends in the text, which has no `/`.
    Suffix(String),
    /// The last segments of the key are the text.
    Name(String),
    /// The key is the text.
    Exact(String),
    /// The key begins with the text, which ends in `/`.
    Below(String),
    /// The key, or what follows one of its `/`, begins with the text, which ends in `/`.
    BelowAnywhere(String),
    /// The key's segments are the text's, where `*` stands for any characters but `/`.
    Path(String),
    /// The last segments of the key are the text's, where `*` stands for any characters but `/`.
    PathAnywhere(String),
}

/// The shapes of a pattern in globset's syntax, which is relative to the root: a key matches if it has one of them.
/// `None` if the pattern needs a regex, or is not a glob.
pub(crate) fn shapes(pattern: &str) -> Option<Vec<Shape>> {
    if matches!(pattern, "**" | "**/**") {
        return Some(vec![Shape::Suffix(String::new())]);
    }
    let (is_anywhere, body) = pattern.strip_prefix("**/").map_or((false, pattern), |body| (true, body));
    let (is_below, body) = body.strip_suffix("/**").map_or((false, body), |body| (true, body));
    // Beside braces, globset reads `**` in several ways.
    if body.is_empty() || body.contains("**") || body.contains(['[', ']', '?', '\\']) {
        return None;
    }
    let mut bodies = Vec::new();
    expand(String::new(), body, &mut bodies)?;
    bodies.into_iter().map(|body| shape(is_anywhere, body, is_below)).collect()
}

fn shape(is_anywhere: bool, mut body: String, is_below: bool) -> Option<Shape> {
    let has_star = body.contains('*');
    if is_below {
        body.push('/');
    }
    if body.len() > TEXT {
        return None;
    }
    let after_star = body.strip_prefix('*').filter(|rest| !rest.contains(['*', '/']));
    match (is_anywhere, has_star, is_below) {
        (true, true, false) => Some(match after_star {
            Some(suffix) => Shape::Suffix(suffix.to_owned()),
            None => Shape::PathAnywhere(body),
        }),
        (true, false, false) => Some(Shape::Name(body)),
        (true, false, true) => Some(Shape::BelowAnywhere(body)),
        (false, true, false) => Some(Shape::Path(body)),
        (false, false, false) => Some(Shape::Exact(body)),
        (false, false, true) => Some(Shape::Below(body)),
        (_, true, true) => None,
    }
}

/// Adds what `{a,b}` stands for, also inside of each other. `None` if a brace is not closed or not opened, or if there
/// are too many of them.
fn expand(before: String, pattern: &str, expanded: &mut Vec<String>) -> Option<()> {
    let Some((literal, rest)) = pattern.split_once('{') else {
        let is_closed = !pattern.contains('}') && expanded.len() < SHAPES;
        return is_closed.then(|| expanded.push(before + pattern));
    };
    if literal.contains('}') {
        return None;
    }
    let (alternates, after) = alternates(rest)?;
    alternates.into_iter().try_for_each(|alternate| {
        // An alternate may have braces of its own, so it is expanded together with what follows it.
        expand(format!("{before}{literal}"), &format!("{alternate}{after}"), expanded)
    })
}

/// Splits what follows a `{` at its commas, up to its `}`, and returns what follows that.
fn alternates(text: &str) -> Option<(Vec<&str>, &str)> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b'}' => {
                found.push(text.get(start..at)?);
                return Some((found, text.get(at + 1..)?));
            }
            b',' if depth == 0 => {
                found.push(text.get(start..at)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_patterns_need_no_regex() {
        let text = str::to_owned;
        for (pattern, expected) in [
            ("**", vec![Shape::Suffix(text(""))]),
            ("**/*", vec![Shape::Suffix(text(""))]),
            ("**/*.{css,js}", vec![Shape::Suffix(text(".css")), Shape::Suffix(text(".js"))]),
            ("**/robots.txt", vec![Shape::Name(text("robots.txt"))]),
            ("robots.txt", vec![Shape::Exact(text("robots.txt"))]),
            ("blog/**", vec![Shape::Below(text("blog/"))]),
            ("**/drafts/**", vec![Shape::BelowAnywhere(text("drafts/"))]),
            ("img/*.png", vec![Shape::Path(text("img/*.png"))]),
            ("**/page*.html", vec![Shape::PathAnywhere(text("page*.html"))]),
            ("{a{b,c},d}/**", vec!["ab/", "ac/", "d/"].into_iter().map(|it| Shape::Below(text(it))).collect()),
            ("{a,}{b,}", vec!["ab", "a", "b", ""].into_iter().map(|it| Shape::Exact(text(it))).collect()),
        ] {
            assert_eq!(shapes(pattern), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn others_have_no_shape() {
        let many = format!("{{{}}}", "a,".repeat(SHAPES));
        for pattern in ["a/**/z", "[ab]", "a?", r"\*", "a**", "{**,a}", "{a", "a}", "{a,b}}", "v*/**", "", &many] {
            assert_eq!(shapes(pattern), None, "{pattern}");
        }
    }
}
