//! The length and nesting of functions.
//!
//! Length is counted as clippy's `too_many_lines` counts: lines of the body with code, so that comments and blank lines
//! are free. Nesting counts blocks inside the body: the body itself is level 0, and each block inside another (of a
//! loop, a condition, a match arm, a closure) is one level more. What macros expand to is not seen.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, ItemTrait, Signature, TraitItemFn};

use super::source::{SourceFile, is_test_only};

pub(crate) struct Function {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) is_test: bool,
    pub(crate) lines: usize,
    pub(crate) nesting: usize,
}

pub(crate) fn functions(file: &SourceFile) -> Vec<Function> {
    let mut visitor = FunctionVisitor { file: &file.path, is_test: file.is_test, found: Vec::new() };
    visitor.visit_file(&file.syntax);
    visitor.found
}

struct FunctionVisitor<'f> {
    file: &'f Path,
    is_test: bool,
    found: Vec<Function>,
}

impl FunctionVisitor<'_> {
    fn add(&mut self, signature: &Signature, body: &Block, is_test: bool) {
        self.found.push(Function {
            file: self.file.to_owned(),
            line: signature.ident.span().start().line,
            name: signature.ident.to_string(),
            is_test: self.is_test || is_test,
            lines: code_lines(body),
            nesting: nesting(body),
        });
    }

    /// Visits the items inside one that may be for tests only.
    fn inside(&mut self, is_test: bool, visit: impl FnOnce(&mut Self)) {
        let outside = self.is_test;
        self.is_test |= is_test;
        visit(self);
        self.is_test = outside;
    }
}

impl<'ast> Visit<'ast> for FunctionVisitor<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.inside(is_test_only(&module.attrs), |inner| visit::visit_item_mod(inner, module));
    }

    fn visit_item_impl(&mut self, block: &'ast ItemImpl) {
        self.inside(is_test_only(&block.attrs), |inner| visit::visit_item_impl(inner, block));
    }

    fn visit_item_trait(&mut self, block: &'ast ItemTrait) {
        self.inside(is_test_only(&block.attrs), |inner| visit::visit_item_trait(inner, block));
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.add(&function.sig, &function.block, is_test_only(&function.attrs));
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.add(&function.sig, &function.block, is_test_only(&function.attrs));
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(&function.sig, body, is_test_only(&function.attrs));
        }
        visit::visit_trait_item_fn(self, function);
    }
}

fn code_lines(body: &Block) -> usize {
    let mut lines = BTreeSet::new();
    for statement in &body.stmts {
        collect_lines(statement.to_token_stream(), &mut lines);
    }
    lines.len()
}

fn collect_lines(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                if group.delimiter() != Delimiter::None {
                    lines.extend([group.span_open().start().line, group.span_close().end().line]);
                }
                collect_lines(group.stream(), lines);
            }
            token => lines.extend(token.span().start().line..=token.span().end().line),
        }
    }
}

/// The levels of blocks inside a body.
fn nesting(body: &Block) -> usize {
    let mut visitor = NestingVisitor { level: 0, deepest: 0 };
    visit::visit_block(&mut visitor, body);
    visitor.deepest
}

struct NestingVisitor {
    level: usize,
    deepest: usize,
}

impl<'ast> Visit<'ast> for NestingVisitor {
    fn visit_block(&mut self, block: &'ast Block) {
        self.level += 1;
        self.deepest = self.deepest.max(self.level);
        visit::visit_block(self, block);
        self.level -= 1;
    }

    /// A function inside a function is counted by itself.
    fn visit_item(&mut self, _: &'ast Item) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(text: &str) -> (usize, usize) {
        let syntax = syn::parse_file(text).unwrap();
        let file = SourceFile { path: PathBuf::from("a.rs"), lines: 0, is_test: false, syntax };
        let function = functions(&file).pop().unwrap();
        (function.lines, function.nesting)
    }

    #[test]
    fn lines_of_code_and_levels_of_blocks_are_counted() {
        for (text, expected) in [
            ("fn a() {}", (0, 0)),
            ("fn a() { b() }", (1, 0)),
            ("fn a() {\n    // why\n    b();\n\n    c(\n        d,\n    );\n}", (4, 0)),
            ("fn a() {\n    b(\"one\n    two\");\n}", (2, 0)),
            ("fn a() {\n    if b { c() } else if d { e() } else { f() }\n}", (1, 1)),
            (
                "fn a() {\n    for b in c {\n        match d {\n            e => { f(|g| { h() }) }\n        }\n    }\n}",
                (5, 3),
            ),
            ("impl A {\n    async fn a() {\n        let b = async { c() };\n    }\n}", (1, 1)),
        ] {
            assert_eq!(measured(text), expected, "{text}");
        }
    }

    #[test]
    fn functions_of_tests_are_known_as_such() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() {} }\n#[tokio::test]\nasync fn c() {}";
        let syntax = syn::parse_file(text).unwrap();
        let file = SourceFile { path: PathBuf::from("a.rs"), lines: 0, is_test: false, syntax };
        let found: Vec<_> = functions(&file).iter().map(|it| (it.name.clone(), it.is_test, it.line)).collect();
        assert_eq!(found, [("a".to_owned(), false, 1), ("b".to_owned(), true, 3), ("c".to_owned(), true, 5)]);
    }
}
