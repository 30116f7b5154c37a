//! Circles among imports.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use super::imports::Imports;

/// A circle of imports: each file imports from the next, and the last from the first. The smallest path comes first.
pub(crate) type Circle = Vec<PathBuf>;

/// For each import that is part of a circle, the shortest such circle. Each circle is listed once.
pub(crate) fn circles(imports: &Imports) -> BTreeSet<Circle> {
    let mut graph: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for (from, to) in imports.keys() {
        graph.entry(from).or_default().push(to);
    }
    let circle = |(from, to): &(PathBuf, PathBuf)| shortest_path(&graph, to, from).map(from_smallest);
    imports.keys().filter_map(circle).collect()
}

/// The files from `start` to `goal`, both included.
fn shortest_path<'p>(graph: &BTreeMap<&'p Path, Vec<&'p Path>>, start: &'p Path, goal: &Path) -> Option<Vec<&'p Path>> {
    let mut paths = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::from([start]);
    while let Some(path) = paths.pop_front() {
        let last = *path.last()?;
        if last == goal {
            return Some(path);
        }
        for next in graph.get(last).into_iter().flatten().filter(|next| seen.insert(next)) {
            paths.push_back([path.as_slice(), &[next]].concat());
        }
    }
    None
}

fn from_smallest(mut circle: Vec<&Path>) -> Circle {
    let smallest = circle.iter().enumerate().min_by_key(|(_, path)| **path).map_or(0, |(index, _)| index);
    circle.rotate_left(smallest);
    circle.into_iter().map(Path::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::imports::imports;
    use crate::house::modules::modules;
    use crate::house::source::SourceFile;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let parse = |(path, text): &(&str, &str)| SourceFile {
            path: PathBuf::from(path),
            lines: 0,
            is_test: false,
            syntax: syn::parse_file(text).unwrap(),
        };
        let files: Vec<SourceFile> = files.iter().map(parse).collect();
        let circles = circles(&imports(&modules(Path::new("lib.rs"), &files)));
        let names = |circle: &Circle| circle.iter().map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>();
        circles.iter().map(|circle| names(circle).join(" ")).collect()
    }

    const PARENT: (&str, &str) = ("lib.rs", "mod a;\nmod b;");

    #[test]
    fn files_that_import_from_one_another_are_a_circle() {
        for (a, b) in [
            ("use crate::b::B;", "use crate::a::A;"),
            ("use super::b::{B, C as D};", "use super::{a::A};"),
            ("use crate::b;", "fn c() { crate::a::d(); }"),
            ("use crate::b; fn c() -> b::B { todo!() }", "fn c() { assert!(crate::a::d()); }"),
            ("use crate::b::{self};", "pub use crate::a::*;"),
        ] {
            assert_eq!(found(&[PARENT, ("a.rs", a), ("b.rs", b)]), ["a.rs b.rs"], "{a} {b}");
        }
    }

    #[test]
    fn one_way_imports_tests_and_visibility_are_no_circle() {
        for (a, b) in [
            ("use crate::b::B;", ""),
            ("use crate::b::B;", "#[cfg(test)]\nmod tests { use crate::a::A; }"),
            ("use crate::b::B;", "#[cfg(test)]\nuse crate::a::A;"),
            ("use crate::b::B;", "pub(in crate::a) struct A;"),
            ("use crate::b::B;", "use std::a::A; use ::a::A; fn f(a: A) { a.a() }"),
            ("pub(crate) struct A;", "pub(crate) struct B;"),
        ] {
            assert_eq!(found(&[PARENT, ("a.rs", a), ("b.rs", b)]), Vec::<String>::new(), "{a} {b}");
        }
    }

    #[test]
    fn a_parent_and_its_child_can_be_a_circle() {
        let parent = ("lib.rs", "mod a;\npub use a::A;\npub struct Root;");
        assert_eq!(found(&[parent, ("a.rs", "use crate::Root;")]), ["a.rs lib.rs"]);
        assert_eq!(found(&[parent, ("a.rs", "mod b;\nuse b::B;"), ("a/b.rs", "use super::C;")]), ["a/b.rs a.rs"]);
        assert_eq!(found(&[parent, ("a.rs", "mod b;\nmod c;"), ("a/b.rs", "use super::c::C;")]), Vec::<String>::new());
        assert_eq!(found(&[parent, ("a.rs", "mod b { use super::super::Root; }")]), ["a.rs lib.rs"]);
    }

    #[test]
    fn the_shortest_circle_of_each_import_is_listed_once() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\nmod c;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "use crate::c::C;"),
            ("c.rs", "use crate::a::A;\nuse crate::b::B;"),
        ];
        assert_eq!(found(&files), ["a.rs b.rs c.rs", "b.rs c.rs"]);
    }
}
