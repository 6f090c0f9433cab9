//! `release publish`: uploads and tags, dependencies first.
//!
//! What is done already is read from the registry and from the tags, never remembered: so the same
//! command goes on after whatever death.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::archive::{self, Contents};
use super::crates::{Crate, Crates};
use super::git::{Git, tag_name};
use super::index::Index;
use super::{changes, plan};
use crate::cargo;

/// What the command line says.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of a command")]
pub(crate) struct Options {
    /// Dependencies first, each once.
    pub(crate) crates: Vec<String>,
    /// Nobody named them: those are meant that have something to publish.
    pub(crate) all: bool,
    pub(crate) registry: Option<String>,
    pub(crate) dry_run: bool,
    /// Leave out cargo's trial build.
    pub(crate) no_verify: bool,
    pub(crate) yes: bool,
}

/// A crate that was named, and what is left to do for it.
struct Step<'a> {
    one: &'a Crate,
    upload: bool,
    tag: bool,
}

impl Step<'_> {
    fn tag_name(&self) -> String {
        tag_name(&self.one.name, &self.one.version)
    }

    fn is_done(&self) -> bool {
        !self.upload && !self.tag
    }
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let git = Git::new(root);
    git.require_clean()?;
    let crates = Crates::load(root)?;
    let index = Index::of(root, options.registry.as_deref())?;
    let mut steps = Vec::new();
    let at_rest = if options.all {
        at_rest(root, &crates)?
    } else {
        Vec::new()
    };
    for name in options.crates.iter().filter(|name| !at_rest.contains(name)) {
        steps.push(look(root, git, &index, crates.find(name)?)?);
    }
    if steps.is_empty() {
        bail!("all that is tagged is as it was tagged: there is nothing to publish");
    }
    if steps.iter().all(Step::is_done) {
        bail!(
            "{} published and tagged already; a new version is made by `cargo xtask release prepare`",
            list(&steps)
        );
    }
    require_dependencies(&crates, &steps, &index)?;
    show(&steps, &index);
    if options.dry_run {
        return dry_run(root, &steps, &index, options);
    }
    if steps.iter().any(|step| step.upload) && !options.yes {
        ask()?;
    }
    for (number, step) in steps.iter().enumerate() {
        if let Err(error) = carry_out(root, git, step, &index, options) {
            let (done, left) = steps.split_at(number);
            report(done, left);
            return Err(error);
        }
    }
    println!("\nall is published and tagged; `git push --tags` shares the tags");
    Ok(())
}

/// The crates that are tagged and have not changed since.
fn at_rest(root: &Path, crates: &Crates) -> Result<Vec<String>> {
    let entries = plan::decide(&changes::gather(root, crates, false)?);
    let at_rest = entries.into_iter().filter(|entry| !entry.is_released());
    Ok(at_rest.map(|entry| entry.name).collect())
}

/// What is left to do for a crate; an error if another content has its version.
fn look<'a>(root: &Path, git: Git<'_>, index: &Index, one: &'a Crate) -> Result<Step<'a>> {
    let tag = tag_name(&one.name, &one.version);
    let tagged = git.tagged(&tag)?;
    let versions = index.versions(&one.name)?;
    let Some(published) = versions.iter().find(|it| it.version == one.version) else {
        let head = git.head()?;
        if tagged.as_ref().is_some_and(|commit| *commit != head) {
            bail!(
                "`{tag}` is a tag of another commit, and {} {} is not published: publish it from \
                 there, or delete the tag",
                one.name,
                one.version
            );
        }
        return Ok(Step {
            one,
            upload: true,
            tag: tagged.is_none(),
        });
    };
    let theirs = Contents::read(&index.download(&one.name, published)?)?;
    let ours = archive::contents(root, one, Some(index.registry()))?;
    let differences = ours.differences(&theirs);
    if !differences.is_empty() {
        bail!(
            "{} {} is published with another content ({}), and a version is published only once; \
             `cargo xtask release prepare {}` makes the next one",
            one.name,
            one.version,
            shorten(&differences),
            one.name
        );
    }
    Ok(Step {
        one,
        upload: false,
        tag: tagged.is_none(),
    })
}

/// An error if a crate needs one of ours that is neither published nor about to be.
fn require_dependencies(crates: &Crates, steps: &[Step<'_>], index: &Index) -> Result<()> {
    for step in steps.iter().filter(|step| step.upload) {
        for dependency in &step.one.dependencies {
            let here = crates.find(&dependency.name)?;
            let comes = steps.iter().any(|other| other.one.name == here.name);
            if comes && dependency.requirement.matches(&here.version) {
                continue;
            }
            let versions = index.versions(&dependency.name)?;
            if !versions
                .iter()
                .any(|it| dependency.requirement.matches(&it.version))
            {
                bail!(
                    "{} needs {} {}, which {} does not have; name it as well, and it goes first",
                    step.one.name,
                    dependency.name,
                    dependency.requirement,
                    index.registry()
                );
            }
        }
    }
    Ok(())
}

fn show(steps: &[Step<'_>], index: &Index) {
    println!("to {} ({}), in this order:", index.registry(), index.url());
    for step in steps {
        let Crate { name, version, .. } = step.one;
        let what = match (step.upload, step.tag) {
            (true, _) => "upload, then tag",
            (false, true) => "is published already; tag",
            (false, false) => "is published and tagged already",
        };
        println!("  {name} {version}: {what}");
    }
}

fn ask() -> Result<()> {
    if !io::stdin().is_terminal() {
        bail!("nobody is there to ask; `--yes` publishes without asking");
    }
    print!("what is published stays published. Go on? [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if !["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
        bail!("nothing was sent");
    }
    Ok(())
}

/// Cargo packages all of them together, and sends nothing.
fn dry_run(root: &Path, steps: &[Step<'_>], index: &Index, options: &Options) -> Result<()> {
    let names = steps.iter().filter(|step| step.upload);
    let names: Vec<_> = names.map(|step| step.one.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    publish(root, &names, index, options)
}

fn carry_out(
    root: &Path,
    git: Git<'_>,
    step: &Step<'_>,
    index: &Index,
    options: &Options,
) -> Result<()> {
    if step.upload {
        publish(root, &[&step.one.name], index, options)?;
    }
    if step.tag {
        let message = format!("{} {}", step.one.name, step.one.version);
        git.tag(&step.tag_name(), &message)?;
        println!("tagged {}", step.tag_name());
    }
    Ok(())
}

/// Cargo packages, verifies, uploads, and waits until the index has it.
fn publish(root: &Path, names: &[&str], index: &Index, options: &Options) -> Result<()> {
    let mut command = cargo::command(root);
    // Named even where it is crates.io: cargo's configuration may have another default.
    command.args(["publish", "--registry", index.registry()]);
    for name in names {
        command.args(["--package", name]);
    }
    if options.dry_run {
        command.arg("--dry-run");
    }
    if options.no_verify {
        command.arg("--no-verify");
    }
    let status = command
        .stdin(Stdio::null())
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!(
            "`cargo publish --package {}` ended with {status}",
            names.join(" --package ")
        );
    }
    Ok(())
}

fn report(done: &[Step<'_>], left: &[Step<'_>]) {
    let (done, left) = (names(done), names(left));
    if !done.is_empty() {
        eprintln!("\npublished and tagged: {}", done.join(", "));
    }
    eprintln!("\nnot done: {}", left.join(", "));
    if let Some(first) = left.first() {
        eprintln!("whether {first} has arrived, only the registry knows");
    }
    eprintln!("the same command goes on from here, and publishes nothing twice\n");
}

fn names(steps: &[Step<'_>]) -> Vec<String> {
    let name = |step: &Step<'_>| format!("{} {}", step.one.name, step.one.version);
    steps.iter().map(name).collect()
}

fn list(steps: &[Step<'_>]) -> String {
    let verb = if steps.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", names(steps).join(", "))
}

fn shorten(files: &[String]) -> String {
    match files {
        [one, two, three, _, ..] => format!("{one}, {two}, {three} and more"),
        few => few.join(", "),
    }
}
