//! `release publish`: uploads and tags, dependencies first.
//!
//! What is done already is read from the registry and from the tags, never remembered: so the same command continues
//! after whatever death.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::crates::{Crate, Crates};
use super::git::{Git, tag_name};
use super::plan;
use super::registry::Registry;
use crate::cargo::{self, note, say};
use crate::flags;

/// What is left to do for a crate.
struct Step<'a> {
    one: &'a Crate,
    upload: bool,
    tag: bool,
}

impl Step<'_> {
    fn name(&self) -> String {
        format!("{} {}", self.one.name, self.one.version)
    }
}

pub(crate) fn run(
    root: &Path,
    crates: &Crates,
    chosen: Vec<&Crate>,
    options: &flags::Publish,
) -> Result<()> {
    let git = Git { root };
    git.require_clean()?;
    let registry = Registry::of(root, options.registry.as_deref())?;
    let mut steps = Vec::new();
    for one in chosen {
        steps.push(look(git, &registry, one)?);
    }
    refuse_changed(root, &mut steps, options.all)?;
    ensure!(
        !steps.is_empty(),
        "all that is tagged is as it was tagged: there is nothing to publish"
    );
    if steps.iter().all(|step| !step.upload && !step.tag) {
        let verb = if steps.len() == 1 { "is" } else { "are" };
        let next = "a new version is made by `cargo xtask release prepare`";
        bail!(
            "{} {verb} published and tagged already; {next}",
            list(&steps)
        );
    }
    require_dependencies(crates, &steps, &registry)?;
    say(format_args!(
        "to {} ({}), in this order:",
        registry.name, registry.url
    ));
    for step in &steps {
        let what = match (step.upload, step.tag) {
            (true, _) => "upload, then tag",
            (false, true) => "is published already; tag",
            (false, false) => "is published and tagged already",
        };
        say(format_args!("  {}: {what}", step.name()));
    }
    // Everything that can fail without an upload fails before the first one.
    if steps.iter().any(|step| step.tag) {
        git.try_tag()?;
    }
    let uploads: Vec<_> = steps.iter().filter(|step| step.upload).collect();
    if !uploads.is_empty() {
        // Cargo packages and builds all of them together: each may need another that is not published yet.
        let verify = if options.no_verify {
            &["--dry-run", "--no-verify"][..]
        } else {
            &["--dry-run"]
        };
        upload(root, &uploads, &registry, verify)?;
    }
    if options.dry_run {
        return Ok(());
    }
    if !uploads.is_empty() && !options.yes {
        ask()?;
    }
    for (number, step) in steps.iter().enumerate() {
        if let Err(error) = carry_out(root, git, step, &registry) {
            let (done, left) = steps.split_at(number);
            note(format_args!(
                "\npublished and tagged: {}\nnot done: {}",
                list(done),
                list(left)
            ));
            note(format_args!(
                "whether {} has arrived, only the registry knows",
                step.name()
            ));
            note("the same command continues from here, and publishes nothing twice");
            return Err(error);
        }
    }
    say("\nall is published and tagged; `git push --tags` shares the tags");
    Ok(())
}

fn look<'a>(git: Git<'_>, registry: &Registry, one: &'a Crate) -> Result<Step<'a>> {
    let tag = tag_name(&one.name, &one.version);
    let tagged = git.commit_of(&format!("refs/tags/{tag}"))?;
    let upload = !registry.versions(&one.name)?.all.contains(&one.version);
    ensure!(
        !upload || tagged.is_none() || tagged == git.commit_of("HEAD")?,
        "`{tag}` is a tag of another commit, and {} {} is not published: publish it from there, or delete the tag",
        one.name,
        one.version
    );
    Ok(Step {
        one,
        upload,
        tag: tagged.is_none(),
    })
}

/// A version is published only once: an error if a crate has changed since its version was. With `all`, crates that
/// have not changed are left out.
fn refuse_changed(root: &Path, steps: &mut Vec<Step<'_>>, all: bool) -> Result<()> {
    if steps.iter().all(|step| step.upload || step.tag) {
        return Ok(());
    }
    for entry in plan::make(root, false)? {
        let Some(place) = steps
            .iter()
            .position(|step| step.one.name == entry.krate.name)
        else {
            continue;
        };
        let step = &steps[place];
        ensure!(
            step.upload || step.tag || !entry.is_open(),
            "{} is published, and {} has changed since; `cargo xtask release prepare {}` makes the next version",
            step.name(),
            step.one.name,
            step.one.name
        );
        if all && !step.upload && !step.tag {
            steps.remove(place);
        }
    }
    Ok(())
}

/// An error if a crate needs one of this workspace that is neither published nor about to be.
fn require_dependencies(crates: &Crates, steps: &[Step<'_>], registry: &Registry) -> Result<()> {
    for step in steps.iter().filter(|step| step.upload) {
        for (name, requirement) in &step.one.needs {
            let comes = steps.iter().any(|it| it.upload && it.one.name == *name);
            let comes = comes && requirement.matches(&crates.find(name)?.version);
            ensure!(
                comes || registry.versions(name)?.meet(requirement),
                "{} needs {name} {requirement}, which {} does not have or has yanked; name {name} as well, and it goes \
                 first",
                step.one.name,
                registry.name
            );
        }
    }
    Ok(())
}

fn ask() -> Result<()> {
    ensure!(
        io::stdin().is_terminal(),
        "no terminal to ask on; `--yes` publishes without asking"
    );
    note("what is published stays published. Continue? [y/N]");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    ensure!(
        ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()),
        "nothing was sent"
    );
    Ok(())
}

fn carry_out(root: &Path, git: Git<'_>, step: &Step<'_>, registry: &Registry) -> Result<()> {
    if step.upload {
        // It was built a moment ago. Cargo waits until the index has it.
        upload(root, &[step], registry, &["--no-verify"])?;
    }
    if step.tag {
        let tag = tag_name(&step.one.name, &step.one.version);
        git.tag(&tag, &step.name())?;
        say(format_args!("tagged {tag}"));
    }
    Ok(())
}

fn upload(root: &Path, steps: &[&Step<'_>], registry: &Registry, more: &[&str]) -> Result<()> {
    let mut publish = cargo::cargo(root, "publish");
    // Named even where it is crates.io: cargo's configuration may have another default.
    publish.args(["--registry", &registry.name]).args(more);
    publish.args(steps.iter().flat_map(|step| ["--package", &step.one.name]));
    cargo::run(&mut publish)
}

fn list(steps: &[Step<'_>]) -> String {
    let names: Vec<_> = steps.iter().map(Step::name).collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
