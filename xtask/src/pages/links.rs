//! Links between pages, their anchors, and the table of contents.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::markdown::Page;

const BOOK: &str = "docs";
const SUMMARY: &str = "docs/SUMMARY.md";

/// Each link whose file or anchor does not exist, and each link of the book that leads out of it.
pub(crate) fn broken(pages: &[Page], exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let links = pages.iter().flat_map(|page| page.links.iter().map(move |link| (page, link)));
    let problems = links.filter_map(|(page, link)| {
        let problem = problem_of(page, &link.text, pages, exists)?;
        Some(format!("{}: {}: {problem}", page.at(link.line), link.text))
    });
    problems.collect()
}

/// Each page of the book that its table of contents does not name.
pub(crate) fn missing_in_summary(pages: &[Page]) -> Vec<String> {
    let summary = pages.iter().find(|page| page.path == Path::new(SUMMARY));
    let links = summary.iter().flat_map(|page| &page.links);
    let named: BTreeSet<PathBuf> = links.map(|link| Path::new(BOOK).join(&link.text)).collect();
    let of_book = pages.iter().filter(|page| is_in_book(&page.path) && page.path != Path::new(SUMMARY));
    let missing = of_book.filter(|page| !named.contains(&page.path));
    missing.map(|page| format!("{}: {SUMMARY} does not name it", page.path.display())).collect()
}

fn problem_of(page: &Page, link: &str, pages: &[Page], exists: &dyn Fn(&Path) -> bool) -> Option<&'static str> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() { page.path.clone() } else { resolve(&page.path, file) };
    if is_in_book(&page.path) && !is_in_book(&target) {
        return Some("it leads out of the book, where it would be broken: name the file as code instead");
    }
    let known = pages.iter().find(|other| other.path == target);
    match (known, anchor) {
        (None, _) if !exists(&target) => Some("no such file"),
        (Some(other), Some(anchor)) if !other.anchors.contains(anchor) => Some("that page has no such heading"),
        _ => None,
    }
}

fn is_in_book(path: &Path) -> bool {
    path.starts_with(BOOK)
}

/// A relative link's file, from the root.
fn resolve(page: &Path, file: &str) -> PathBuf {
    let mut target = page.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(file).components() {
        match part {
            Component::ParentDir => _ = target.pop(),
            Component::CurDir => (),
            part => target.push(part),
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Vec<Page> {
        [
            ("README.md", "[deploy](docs/deploy.md#stop-it) [license](LICENSE)"),
            ("docs/SUMMARY.md", "- [Deploy](deploy.md)\n- [One](decisions/0002-our-own-token-bucket.md)"),
            (
                "docs/deploy.md",
                "# Deploy\n\n## Stop it\n\n[here](#stop-it) [one](decisions/0002-our-own-token-bucket.md) [web](https://example.com/x#y)",
            ),
            ("docs/decisions/0002-our-own-token-bucket.md", "# One\n\n[up](../deploy.md#deploy) ![picture](../picture.svg)"),
        ]
        .map(|(path, source)| Page::parse(Path::new(path), source))
        .into()
    }

    fn files(path: &Path) -> bool {
        path == Path::new("LICENSE") || path == Path::new("docs/picture.svg")
    }

    fn broken_with(path: &str, sabotage: &str) -> Vec<String> {
        let mut pages = pages();
        pages.push(Page::parse(Path::new(path), sabotage));
        broken(&pages, &files)
    }

    #[test]
    fn links_that_resolve_are_no_problem() {
        assert_eq!(broken(&pages(), &files), [""; 0]);
        assert_eq!(missing_in_summary(&pages()), [""; 0]);
    }

    #[test]
    fn a_sabotaged_page_is_reported_with_its_line() {
        for (path, sabotage, problem) in [
            ("docs/logs.md", "\n[a](gone.md)", "docs/logs.md:2: gone.md: no such file"),
            ("docs/logs.md", "[a](deploy.md#stop)", "docs/logs.md:1: deploy.md#stop: that page has no such heading"),
            ("docs/logs.md", "[a](#stop-it)", "docs/logs.md:1: #stop-it: that page has no such heading"),
            ("docs/logs.md", "![a](picture.png)", "docs/logs.md:1: picture.png: no such file"),
            ("x.md", "| t |\n| - |\n| [a](docs/gone.html) |", "x.md:3: docs/gone.html: no such file"),
        ] {
            assert_eq!(broken_with(path, sabotage), [problem]);
        }
        let out = broken_with("docs/decisions/README.md", "[a](../../README.md)");
        assert!(out[0].starts_with("docs/decisions/README.md:1: ../../README.md: it leads out of the book"), "{out:?}");
    }

    #[test]
    fn a_page_that_the_summary_does_not_name_is_reported() {
        let mut pages = pages();
        pages.push(Page::parse(Path::new("docs/logs.md"), "# X"));
        assert_eq!(missing_in_summary(&pages), ["docs/logs.md: docs/SUMMARY.md does not name it"]);
    }
}
