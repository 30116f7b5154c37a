//! The modules of a crate, and the file that defines each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::{Item, ItemMod};

use super::source::{SourceFile, is_test_only};

/// The names from the crate's root to a module; empty for the root.
pub(crate) type ModulePath = Vec<String>;

/// A module of a crate, tests apart.
pub(crate) struct Module<'f> {
    pub(crate) file: &'f Path,
    pub(crate) items: &'f [Item],
}

/// All modules of a crate.
pub(crate) type Modules<'f> = BTreeMap<ModulePath, Module<'f>>;

/// Follows the `mod` declarations from a crate's root file.
pub(crate) fn modules<'f>(root: &Path, files: &'f [SourceFile]) -> Modules<'f> {
    let mut tree = Tree { files, modules: Modules::new() };
    if let Some(root) = tree.file(root) {
        let folder = root.path.parent().unwrap_or(Path::new("")).to_owned();
        tree.add(Vec::new(), &root.path, &root.syntax.items, &folder);
    }
    tree.modules
}

struct Tree<'f> {
    files: &'f [SourceFile],
    modules: Modules<'f>,
}

impl<'f> Tree<'f> {
    /// Adds a module and those inside it. `folder` is where the files of its submodules are.
    fn add(&mut self, path: ModulePath, file: &'f Path, items: &'f [Item], folder: &Path) {
        for item in items {
            if let Item::Mod(module) = item
                && !is_test_only(&module.attrs)
            {
                self.add_submodule(&path, file, module, folder);
            }
        }
        self.modules.insert(path, Module { file, items });
    }

    fn add_submodule(&mut self, parent: &ModulePath, file: &'f Path, module: &'f ItemMod, folder: &Path) {
        let name = module.ident.to_string();
        let path = [parent.as_slice(), std::slice::from_ref(&name)].concat();
        let subfolder = folder.join(&name);
        if let Some((_, items)) = &module.content {
            return self.add(path, file, items, &subfolder);
        }
        let candidates = [folder.join(format!("{name}.rs")), subfolder.join("mod.rs")];
        if let Some(found) = candidates.iter().find_map(|candidate| self.file(candidate)) {
            self.add(path, &found.path, &found.syntax.items, &subfolder);
        }
    }

    fn file(&self, path: &Path) -> Option<&'f SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// The root files of a package's crates.
pub(crate) fn crate_roots(folder: &Path, files: &[SourceFile]) -> Vec<PathBuf> {
    let binaries = folder.join("src/bin");
    let is_root = |path: &Path| {
        [folder.join("src/lib.rs"), folder.join("src/main.rs")].iter().any(|root| root == path)
            || path.parent() == Some(&binaries)
    };
    files.iter().map(|file| file.path.clone()).filter(|path| is_root(path)).collect()
}
