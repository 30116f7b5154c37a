//! Which file imports from which, in one crate.
//!
//! A path counts from the file that writes it to the file of the last module that it names. So a name that a module
//! only re-exports counts as an import of that module's file. Tests and the visibility `pub(in …)` do not count.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

use super::modules::{ModulePath, Modules};
use super::source::is_test_only;

/// The importing and the imported file, with the line of the first import.
pub(crate) type Imports = BTreeMap<(PathBuf, PathBuf), usize>;

/// All imports between files of a crate.
pub(crate) fn imports(modules: &Modules<'_>) -> Imports {
    let mut imports = Imports::new();
    for (path, module) in modules {
        let mut visitor = PathVisitor::default();
        module.items.iter().for_each(|item| visitor.visit_item(item));
        let scope = Scope { modules, path, aliases: visitor.aliases() };
        for Named { names, line, .. } in &visitor.paths {
            let Some(target) = scope.resolve(names).and_then(|path| modules.get(&path)) else { continue };
            if target.file != module.file {
                imports.entry((module.file.to_owned(), target.file.to_owned())).or_insert(*line);
            }
        }
    }
    imports
}

/// What a module's paths can begin with.
struct Scope<'m> {
    modules: &'m Modules<'m>,
    path: &'m ModulePath,
    /// Names that `use` brings into the module, with their paths.
    aliases: BTreeMap<String, Vec<String>>,
}

impl Scope<'_> {
    /// The last module that a path names, if it is one of this crate.
    fn resolve(&self, names: &[String]) -> Option<ModulePath> {
        let first = names.first()?.as_str();
        match first {
            "crate" => Some(self.descend(Vec::new(), &names[1..])),
            "self" => Some(self.descend(self.path.clone(), &names[1..])),
            "super" => {
                let levels = names.iter().take_while(|name| *name == "super").count();
                let kept = self.path.len().checked_sub(levels)?;
                Some(self.descend(self.path[..kept].to_vec(), &names[levels..]))
            }
            _ if self.has(&[self.path.as_slice(), &names[..1]].concat()) => {
                Some(self.descend(self.path.clone(), names))
            }
            _ => {
                let alias = self.aliases.get(first).filter(|alias| alias[0] != first)?;
                self.resolve(&[alias.as_slice(), &names[1..]].concat())
            }
        }
    }

    /// Follows names as long as they are modules.
    fn descend(&self, mut module: ModulePath, names: &[String]) -> ModulePath {
        for name in names {
            module.push(name.clone());
            if !self.has(&module) {
                module.pop();
                break;
            }
        }
        module
    }

    fn has(&self, path: &[String]) -> bool {
        self.modules.contains_key(path)
    }
}

/// A path in the source.
struct Named {
    names: Vec<String>,
    line: usize,
    /// The name under which a `use` brings it into the module.
    alias: Option<String>,
}

/// Collects the paths of one module, without those of modules inside it.
#[derive(Default)]
struct PathVisitor {
    paths: Vec<Named>,
}

impl PathVisitor {
    fn aliases(&self) -> BTreeMap<String, Vec<String>> {
        let aliases = self.paths.iter().filter_map(|path| Some((path.alias.clone()?, path.names.clone())));
        aliases.collect()
    }

    fn add(&mut self, names: Vec<String>, line: usize) {
        // A single name is a local one, not a module's.
        if names.len() > 1 {
            self.paths.push(Named { names, line, alias: None });
        }
    }

    fn add_use(&mut self, tree: &UseTree, mut names: Vec<String>) {
        let (name, alias) = match tree {
            UseTree::Path(path) => {
                names.push(path.ident.to_string());
                return self.add_use(&path.tree, names);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|item| self.add_use(item, names.clone()));
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                return self.paths.push(Named { names, line, alias: None });
            }
            UseTree::Name(name) => (&name.ident, &name.ident),
            UseTree::Rename(rename) => (&rename.ident, &rename.rename),
        };
        // `use a::b::{self}` is `use a::b`.
        let alias = if alias == "self" { names.last().cloned() } else { Some(alias.to_string()) };
        if name != "self" || names.is_empty() {
            names.push(name.to_string());
        }
        self.paths.push(Named { names, line: name.span().start().line, alias });
    }

    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut names: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match &token {
                TokenTree::Punct(punct) if punct.as_char() == ':' && !names.is_empty() => colons += 1,
                TokenTree::Ident(name) if colons == 2 => {
                    names.push(name.to_string());
                    colons = 0;
                }
                _ => {
                    self.add(std::mem::take(&mut names), line);
                    colons = 0;
                    if let TokenTree::Ident(name) = &token {
                        names.push(name.to_string());
                        line = name.span().start().line;
                    }
                }
            }
            if let TokenTree::Group(group) = token {
                self.add_tokens(group.stream());
            }
        }
        self.add(names, line);
    }
}

impl<'ast> Visit<'ast> for PathVisitor {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test_only(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.add_use(&item.tree, Vec::new());
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let line = path.segments.first().map_or(0, |first| first.ident.span().start().line);
            self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect(), line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        self.visit_path(&invocation.path);
        self.add_tokens(invocation.tokens.clone());
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
