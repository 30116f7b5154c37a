//! The pages of the documentation that a source file names, such as `docs/operations.md#alarms`.

use super::markdown::anchors;

const FOLDER: &str = "docs/";

/// Pages of other projects.
const OF_OTHERS: [&str; 1] = ["docs/bucket/notifications/README.md"];

pub(crate) struct Reference<'t> {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) page: &'t str,
    pub(crate) anchor: Option<&'t str>,
}

impl Reference<'_> {
    /// What does not exist. The page is none if there is no such file.
    pub(crate) fn missing_in(&self, page: Option<&str>) -> Option<String> {
        let Some(text) = page else {
            return Some(format!("{} does not exist", self.page));
        };
        let anchor = self.anchor?;
        (!anchors(text).contains(anchor)).then(|| format!("{} has no section #{anchor}", self.page))
    }
}

/// All references of a text.
pub(crate) fn references(text: &str) -> impl Iterator<Item = Reference<'_>> {
    text.lines().enumerate().flat_map(|(index, line)| {
        line.match_indices(FOLDER).filter_map(move |(start, _)| reference(&line[..start], &line[start..], index + 1))
    })
}

fn reference<'t>(before: &str, text: &'t str, line: usize) -> Option<Reference<'t>> {
    // `docs/` at the end of a longer path, which `..` may begin, is another folder.
    let before = before.trim_end_matches("../");
    if before.ends_with(|it: char| it == '/' || it == '-' || it == '_' || it.is_alphanumeric()) {
        return None;
    }
    let end = text.find(|it: char| !(it.is_ascii_alphanumeric() || "/._-".contains(it))).unwrap_or(text.len());
    // A sentence may end with the path.
    let page = text[..end].trim_end_matches('.');
    if !page.ends_with(".md") || OF_OTHERS.contains(&page) {
        return None;
    }
    let anchor = text[page.len()..].strip_prefix('#').map(|rest| {
        let end = rest.find(|it: char| !(it.is_ascii_alphanumeric() || "-_".contains(it))).unwrap_or(rest.len());
        &rest[..end]
    });
    Some(Reference { line, page, anchor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_sections_are_found() {
        let text = "see docs/events.md.\nRunbook: docs/mappings/table.md#rows. Log: docs/x.py, s3://docs/y.md, web/docs/z.md\n\
                    include_str!(\"../../docs/sources.md\")";
        let found: Vec<_> = references(text).map(|it| (it.line, it.page, it.anchor)).collect();
        let expected =
            [(1, "docs/events.md", None), (2, "docs/mappings/table.md", Some("rows")), (3, "docs/sources.md", None)];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_missing_page_or_section_is_named() {
        let missing = |anchor, page| Reference { line: 1, page: "docs/events.md", anchor }.missing_in(page);
        assert_eq!(missing(None, None).unwrap(), "docs/events.md does not exist");
        assert_eq!(missing(Some("alarm"), Some("# Alarms\n")).unwrap(), "docs/events.md has no section #alarm");
        assert_eq!(missing(Some("alarms"), Some("# Alarms\n")), None);
        assert_eq!(missing(None, Some("")), None);
    }
}
