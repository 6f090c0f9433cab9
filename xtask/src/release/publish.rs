//! `release publish`: uploads and tags, dependencies first.
//!
//! What is done already is read from the registry and from the tags, never remembered: so the same
//! command continues after whatever death.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::crates::Crate;
use super::git::{Git, tag_name};
use super::{plan, published};
use crate::cargo::{self, note, say};
use crate::flags::Publish;

struct Step<'a> {
    one: &'a Crate,
    id: String,
    tag: String,
    needs_upload: bool,
    needs_tag: bool,
}

impl Step<'_> {
    fn is_done(&self) -> bool {
        !self.needs_upload && !self.needs_tag
    }
}

pub(crate) fn run(root: &Path, chosen: &[&Crate], options: &Publish, registry: &str) -> Result<()> {
    let git = Git { root };
    git.require_clean()?;
    let mut steps = Vec::new();
    for one in chosen {
        steps.push(look(git, registry, one)?);
    }
    if steps.iter().any(Step::is_done) {
        refuse_changed(root, &steps)?;
    }
    if options.all {
        steps.retain(|step| !step.is_done());
        ensure!(!steps.is_empty(), "all that is tagged is as it was tagged: nothing to publish");
    }
    if steps.iter().all(Step::is_done) {
        let next = "a new version is made by `cargo xtask release prepare`";
        bail!("{}: published and tagged already; {next}", list(&steps));
    }
    say(format_args!("to {registry}, in this order:"));
    for step in &steps {
        let what = match (step.needs_upload, step.needs_tag) {
            (true, _) => "upload, then tag",
            (false, true) => "is published already; tag",
            (false, false) => "is published and tagged already",
        };
        say(format_args!("  {}: {what}", step.id));
    }
    // Everything that can fail without an upload fails before the first one.
    if steps.iter().any(|step| step.needs_tag) {
        git.try_tag()?;
    }
    let uploads: Vec<_> = steps.iter().filter(|step| step.needs_upload).collect();
    // Cargo packages and builds all of them together, with what the registry has of the rest.
    let verify = if options.no_verify { "--dry-run --no-verify" } else { "--dry-run" };
    let hint = "what they need of this workspace must be published (and not yanked) or named too";
    upload(root, &uploads, registry, verify).context(hint)?;
    if options.dry_run {
        return Ok(());
    }
    if !uploads.is_empty() && !options.yes {
        ask()?;
    }
    // They were built a moment ago. Cargo knows the order, and waits for the index.
    let outcome = upload(root, &uploads, registry, "--no-verify");
    let (mut done, mut left) = (Vec::new(), Vec::new());
    for step in steps {
        // Some have arrived, also where the upload failed.
        let is_published = outcome.is_ok() || !look(git, registry, step.one)?.needs_upload;
        if is_published && step.needs_tag {
            git.tag(&step.tag, &step.id)?;
            say(format_args!("tagged {}", step.tag));
        }
        if is_published { &mut done } else { &mut left }.push(step);
    }
    if outcome.is_err() {
        note(format_args!("\npublished and tagged: {}\nnot done: {}", list(&done), list(&left)));
        note("the same command continues from here, and publishes nothing twice");
        return outcome;
    }
    say("\nall is published and tagged; `git push --tags` shares the tags");
    Ok(())
}

fn look<'a>(git: Git<'_>, registry: &str, one: &'a Crate) -> Result<Step<'a>> {
    let Crate { name, version, .. } = one;
    let tag = tag_name(name, version);
    let tagged = git.commit_of(&format!("refs/tags/{tag}"))?;
    let needs_upload = published(git.root, registry, &format!("{name}@{version}"))?.is_none();
    let hint = "has no such version or has yanked it: delete the tag, or prepare the next version";
    ensure!(!needs_upload || tagged.is_none(), "`{tag}` is tagged, and {registry} {hint}");
    Ok(Step {
        one,
        id: format!("{name} {version}"),
        tag,
        needs_upload,
        needs_tag: tagged.is_none(),
    })
}

fn refuse_changed(root: &Path, steps: &[Step<'_>]) -> Result<()> {
    for entry in plan::make(root, false)?.iter().filter(|entry| entry.is_open()) {
        let name = &entry.krate.name;
        let is_done = steps.iter().any(|step| step.one.name == *name && step.is_done());
        let hint = format!("`cargo xtask release prepare {name}` makes the next version");
        ensure!(!is_done, "{name} is published and has changed since; {hint}");
    }
    Ok(())
}

fn ask() -> Result<()> {
    ensure!(io::stdin().is_terminal(), "no terminal to ask on; `--yes` publishes without asking");
    note("what is published stays published. Continue? [y/N]");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    ensure!(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()), "nothing was sent");
    Ok(())
}

fn upload(root: &Path, steps: &[&Step<'_>], registry: &str, more: &str) -> Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    // Named even where it is crates.io: cargo's configuration may have another default.
    let mut publish = cargo::cargo(root, &format!("publish --registry {registry} {more}"));
    cargo::run(publish.args(steps.iter().flat_map(|step| ["--package", &step.one.name])))
}

fn list(steps: &[Step<'_>]) -> String {
    let ids: Vec<_> = steps.iter().map(|step| step.id.as_str()).collect();
    if ids.is_empty() { "nothing".to_owned() } else { ids.join(", ") }
}
