//! `release check`: everything that must hold before crates are published. It goes on after a
//! finding, so that all of them are known at once.

mod build;
mod manifest;
mod package;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, Package};

use super::archive::{self, Packaging};
use super::crates::{Crate, Crates, metadata};
use super::git::Git;
use super::index::Index;

/// What one check says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Passed(String),
    /// Neither good nor bad: what could not be checked, and what there is to see.
    Said(String),
    Wrong {
        what: String,
        mend: String,
    },
}

impl Line {
    pub(crate) fn passed(what: impl Into<String>) -> Self {
        Self::Passed(what.into())
    }

    pub(crate) fn wrong(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Wrong {
            what: what.into(),
            mend: mend.into(),
        }
    }

    fn show(&self) {
        match self {
            Self::Passed(what) => println!("  ok     {what}"),
            Self::Said(what) => println!("  note   {what}"),
            Self::Wrong { what, mend } => println!("  WRONG  {what}\n         {mend}"),
        }
    }
}

/// Counts while it prints.
#[derive(Default)]
struct Report {
    wrong: usize,
}

impl Report {
    fn add(&mut self, lines: impl IntoIterator<Item = Line>) {
        for line in lines {
            line.show();
            self.wrong += usize::from(matches!(line, Line::Wrong { .. }));
        }
    }
}

pub(crate) fn run(root: &Path, names: &[String]) -> Result<()> {
    let crates = Crates::load(root)?;
    let mut chosen = Vec::new();
    for name in names {
        chosen.push(crates.find(name)?);
    }
    let metadata = metadata(root)?;
    let index = Index::of_requirements(root)?;
    let mut report = Report::default();

    println!("the repository");
    let tree = Git::new(root).require_clean();
    let is_dirty = tree.is_err();
    report.add([match tree {
        Ok(()) => Line::passed("everything is committed"),
        Err(error) => Line::wrong(
            error.to_string(),
            "what is published must be in the history",
        ),
    }]);
    let packaged = package::all(root, &chosen, is_dirty);
    report.add(packaged.line.clone());

    for (number, one) in chosen.iter().enumerate() {
        println!("\n{} {}", one.name, one.version);
        let package = package_of(&metadata, one)?;
        report.add(manifest::described(package));
        report.add(manifest::dependencies(package, &chosen, &index));
        if let Some(archive) = packaged.archives.get(number) {
            report.add(package::contents(archive, package)?.1);
        }
        report.add([build::tests(root, package)]);
        report.add([build::docs(root, package, &metadata)]);
        report.add([build::semver(root, one)?]);
        report.add(build::api(root, package, &metadata)?);
    }
    match report.wrong {
        0 => {
            println!("\nnothing is wrong; `cargo xtask release publish` publishes");
            Ok(())
        }
        1 => bail!("one thing is wrong"),
        more => bail!("{more} things are wrong"),
    }
}

/// The files of every package, if there is nothing wrong with what it holds and says of itself.
pub(crate) fn packages(root: &Path) -> Result<BTreeMap<String, BTreeMap<String, Vec<u8>>>> {
    let crates = Crates::load(root)?;
    let metadata = metadata(root)?;
    let all: Vec<_> = crates.iter().collect();
    let packaging = Packaging {
        // Only looked at.
        allow_dirty: true,
        ..Packaging::default()
    };
    let mut packages = BTreeMap::new();
    let mut wrong = Vec::new();
    for (one, archive) in all.iter().zip(archive::package(root, &all, packaging)?) {
        let package = package_of(&metadata, one)?;
        let (contents, mut lines) = package::contents(&archive, package)?;
        lines.extend(manifest::described(package));
        wrong.extend(lines.into_iter().filter_map(|line| match line {
            Line::Wrong { what, mend } => Some(format!("{}: {what}; {mend}", one.name)),
            _ => None,
        }));
        packages.insert(one.name.clone(), contents.into_files());
    }
    if !wrong.is_empty() {
        bail!(
            "packages are not as they should be:\n  {}",
            wrong.join("\n  ")
        );
    }
    Ok(packages)
}

fn package_of<'a>(metadata: &'a Metadata, one: &Crate) -> Result<&'a Package> {
    let packages = metadata.packages.iter();
    let mut packages = packages.filter(|package| package.name.as_str() == one.name);
    let package = packages.next();
    package.with_context(|| format!("cargo knows no package {}", one.name))
}
