//! A page: its anchors, links and code, each with its line.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

pub(crate) struct Page {
    /// From the project's root, such as `docs/deploy.md`.
    pub(crate) path: PathBuf,
    pub(crate) anchors: BTreeSet<String>,
    /// Targets of links and pictures.
    pub(crate) links: Vec<Located>,
    pub(crate) blocks: Vec<Block>,
    /// Code within a line.
    pub(crate) spans: Vec<Located>,
}

pub(crate) struct Located {
    pub(crate) line: usize,
    pub(crate) text: String,
}

pub(crate) struct Block {
    /// The word behind the fence, such as `sh`; empty if there is none.
    pub(crate) language: String,
    /// The first line of its text.
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Page {
    /// Reads a page, with the files that mdBook includes in it.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let read = |file: &Path| fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()));
        let path = path.strip_prefix(".").unwrap_or(path);
        let mut source = read(path)?;
        for included in included(&source) {
            source += &read(&path.with_file_name(included))?;
        }
        Ok(Self::parse(path, &source))
    }

    pub(crate) fn parse(path: &Path, source: &str) -> Self {
        let mut page = Self {
            path: path.to_owned(),
            anchors: BTreeSet::new(),
            links: Vec::new(),
            blocks: Vec::new(),
            spans: Vec::new(),
        };
        let mut heading: Option<String> = None;
        let mut block: Option<Block> = None;
        for (event, range) in Parser::new_ext(source, Options::ENABLE_TABLES).into_offset_iter() {
            let line = 1 + source[..range.start].matches('\n').count();
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(Located { line, text: dest_url.to_string() });
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.add_anchor(&heading.take().unwrap_or_default()),
                Event::Start(Tag::CodeBlock(kind)) => block = Some(Block::open(kind, line)),
                Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
                Event::Text(text) => match (&mut block, &mut heading) {
                    (Some(block), _) => block.text += &text,
                    (None, Some(heading)) => *heading += &text,
                    (None, None) => (),
                },
                Event::Code(text) => {
                    heading.iter_mut().for_each(|heading| *heading += &text);
                    page.spans.push(Located { line, text: text.to_string() });
                }
                _ => (),
            }
        }
        page
    }

    /// The place of a problem, as `page:line`.
    pub(crate) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    /// The anchor of a heading, as GitHub and mdBook make it.
    fn add_anchor(&mut self, heading: &str) {
        let kept = heading.chars().filter(|char| char.is_alphanumeric() || matches!(char, '-' | '_' | ' '));
        let anchor: String = kept.collect::<String>().trim().to_lowercase().replace(' ', "-");
        let repeated = (1..).map(|index| format!("{anchor}-{index}"));
        let free = std::iter::once(anchor.clone()).chain(repeated).find(|it| !self.anchors.contains(it));
        self.anchors.extend(free);
    }
}

/// The files of lines such as `{{#include ../ARCHITECTURE.md:2:}}`.
fn included(source: &str) -> BTreeSet<String> {
    let lines = source.lines().filter_map(|line| line.strip_prefix("{{#include ")?.strip_suffix("}}"));
    lines.map(|file| file.split(':').next().unwrap_or_default().to_owned()).collect()
}

impl Block {
    fn open(kind: CodeBlockKind<'_>, line: usize) -> Self {
        match kind {
            CodeBlockKind::Fenced(info) => {
                let language = info.split_whitespace().next().unwrap_or_default().to_owned();
                Self { language, line: line + 1, text: String::new() }
            }
            CodeBlockKind::Indented => Self { language: String::new(), line, text: String::new() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_anchors_links_and_code_with_their_lines() {
        let source = "# One\n\n## `owns` & *two*\n\n## One\n\n[a](b.md#c) `x --y`\n\n   ```sh\n   ls\n   ```\n\n| t |\n| - |\n| ![p](q.svg) |\n";
        let page = Page::parse(Path::new("docs/teams.md"), source);
        assert_eq!(page.anchors.iter().collect::<Vec<_>>(), ["one", "one-1", "owns--two"]);
        let links: Vec<_> = page.links.iter().map(|link| (link.line, link.text.as_str())).collect();
        assert_eq!(links, [(7, "b.md#c"), (15, "q.svg")]);
        let blocks: Vec<_> = page.blocks.iter().map(|it| (it.language.as_str(), it.line, it.text.as_str())).collect();
        assert_eq!(blocks, [("sh", 10, "ls\n")]);
        assert_eq!(page.spans[1].text, "x --y");
        assert_eq!(page.at(7), "docs/teams.md:7");
    }

    #[test]
    fn a_file_is_included_once() {
        let source = "{{#include ../A.md:1}}\n\ntext\n\n{{#include ../A.md:2:}}\n{{#include b.md}}\n";
        assert_eq!(included(source).into_iter().collect::<Vec<_>>(), ["../A.md", "b.md"]);
    }
}
