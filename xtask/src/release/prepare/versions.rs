//! A crate's version in its manifest, and what the workspace requires of it.

use std::path::Path;

use anyhow::{Context, Result};
use semver::Version;
use toml_edit::{DocumentMut, Item};

use super::edits::Edits;
use crate::release::crates::Crate;

/// Sets the version, and the requirement in `[workspace.dependencies]` with it: who depends on the
/// crate and is released later requires what it was tested with.
pub(super) fn set(edits: &mut Edits<'_>, krate: &Crate, version: &Version) -> Result<()> {
    let path = krate.folder.join("Cargo.toml");
    let manifest = edits.read(&path)?;
    edits.set(&path, in_manifest(&manifest, version)?)?;
    let root = Path::new("Cargo.toml");
    let workspace = edits.read(root)?;
    edits.set(root, in_workspace(&workspace, &krate.name, version)?)
}

fn in_manifest(text: &str, version: &Version) -> Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let item = document
        .get_mut("package")
        .and_then(|it| it.get_mut("version"));
    replace(item.context("no version in [package]")?, version)?;
    Ok(document.to_string())
}

fn in_workspace(text: &str, name: &str, version: &Version) -> Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let mut item = Some(document.as_item_mut());
    for key in ["workspace", "dependencies", name, "version"] {
        item = item.and_then(|it| entry(it, key));
    }
    // What has no version there is required by path alone.
    if let Some(item) = item {
        replace(item, version)?;
    }
    Ok(document.to_string())
}

/// `Item::get_mut` would make an entry that is not there.
fn entry<'a>(item: &'a mut Item, key: &str) -> Option<&'a mut Item> {
    item.as_table_like_mut()?.get_mut(key)
}

fn replace(item: &mut Item, version: &Version) -> Result<()> {
    let value = item.as_value_mut().context("a version is a string")?;
    value.as_str().context("a version is a string")?;
    let decor = value.decor().clone();
    *value = version.to_string().into();
    *value.decor_mut() = decor;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_changes() {
        let next = Version::new(0, 2, 0);
        let manifest = "# A.\n[package]\nname = \"a\"\nversion   = \"0.1.0\" # now\n\n[features]\n";
        assert_eq!(
            in_manifest(manifest, &next).unwrap(),
            manifest.replace("0.1.0", "0.2.0")
        );
        let workspace = "[workspace.dependencies]\n# Ours.\n\
             a = { version = \"0.1.0\", path = \"a\" } # first\n\
             b = { version = \"0.1.0\", path = \"b\" }\nc = { path = \"c\" }\n";
        assert_eq!(
            in_workspace(workspace, "a", &next).unwrap(),
            workspace.replacen("0.1.0", "0.2.0", 1)
        );
        for name in ["c", "d"] {
            assert_eq!(in_workspace(workspace, name, &next).unwrap(), workspace);
        }
        let inherited = "[package]\nversion.workspace = true\n";
        in_manifest(inherited, &next).unwrap_err();
    }
}
