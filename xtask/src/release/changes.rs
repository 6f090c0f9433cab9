//! What has changed in each crate since its last tag, as git and the manifests tell it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use semver::{Version, VersionReq};

use super::commits::{Change, Message};
use super::content::Content;
use super::crates::{Crate, Crates};
use super::git::{Commit, Git, tag_name};
use super::manifest::Published;
use super::semver_checks::{self, Verdict};

/// A crate, and what is known of it before any version is chosen.
#[derive(Clone, Debug)]
pub(crate) struct Changes {
    pub(crate) krate: Crate,
    /// None before the first release.
    pub(crate) since: Option<Since>,
}

/// What happened after the last release.
#[derive(Clone, Debug)]
pub(crate) struct Since {
    pub(crate) version: Version,
    /// What the release required of this workspace's crates.
    pub(crate) requirements: BTreeMap<String, VersionReq>,
    /// The commits whose changes are in the package now, newest first.
    pub(crate) commits: Vec<Counted>,
    /// Why a new release is needed; none if nothing that users notice has changed.
    pub(crate) reasons: Vec<Reason>,
    pub(crate) api: Option<Verdict>,
}

/// A commit that counts for a crate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counted {
    pub(crate) commit: Commit,
    pub(crate) change: Change,
    /// The crates for which it was meant, if this one is not among them.
    pub(crate) owners: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reason {
    pub(crate) change: Change,
    pub(crate) words: String,
}

/// All published crates, dependencies first.
pub(crate) fn gather(root: &Path, crates: &Crates, api: bool) -> Result<Vec<Changes>> {
    let git = Git::new(root);
    ensure!(
        !git.is_shallow()?,
        "only a part of the history is here (a shallow clone): `git fetch --unshallow --tags`"
    );
    let gather = Gather { root, git, crates };
    crates
        .iter()
        .map(|krate| {
            let since = match git.last_version(&krate.name)? {
                None => None,
                Some(version) => Some(
                    gather
                        .since(krate, version, api)
                        .with_context(|| format!("what has changed in {}", krate.name))?,
                ),
            };
            Ok(Changes {
                krate: krate.clone(),
                since,
            })
        })
        .collect()
}

struct Gather<'a> {
    root: &'a Path,
    git: Git<'a>,
    crates: &'a Crates,
}

impl Gather<'_> {
    fn since(&self, krate: &Crate, version: Version, api: bool) -> Result<Since> {
        let tag = tag_name(&krate.name, &version);
        let own_manifest = format!("{}/Cargo.toml", krate.folder.display());
        let then = self.manifest(&tag, &own_manifest)?;
        let now = self.manifest("HEAD", &own_manifest)?;
        let content = Content::of(self.root, krate, &now)?;
        let places = content.places();
        let files: Vec<_> = self
            .git
            .changed_since(&tag, &places)?
            .into_iter()
            .filter(|path| content.holds(path))
            .collect();
        let differences = then.differences(&now);

        let mut paths = places;
        paths.push("Cargo.toml");
        let mut commits = Vec::new();
        for commit in self.git.commits_since(&tag, &paths)? {
            let mut counts = commit.files.iter().any(|file| files.contains(file));
            let is_manifest = |file: &String| *file == own_manifest || file == "Cargo.toml";
            if !counts && !differences.is_empty() && commit.files.iter().any(is_manifest) {
                let before = self.manifest(&format!("{}^", commit.hash), &own_manifest)?;
                let after = self.manifest(&commit.hash, &own_manifest)?;
                counts = !before.differences(&after).is_empty();
            }
            if counts {
                commits.push(self.counted(krate, commit));
            }
        }
        let mut reasons = reasons(&commits, &files, &differences, &own_manifest);
        let has_changed = !reasons.is_empty();
        let api = (api && has_changed)
            .then(|| semver_checks::run(self.root, &krate.name, &tag))
            .transpose()?;
        reasons.extend(api.as_ref().and_then(reason_of));
        // The weightiest first, and otherwise the newest.
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.change));
        Ok(Since {
            version,
            requirements: then.requirements,
            commits,
            reasons,
            api,
        })
    }

    fn manifest(&self, revision: &str, path: &str) -> Result<Published> {
        let read = |path: &str| {
            Ok::<_, anyhow::Error>(self.git.file_at(revision, path)?.unwrap_or_default())
        };
        Published::read(&read(path)?, &read("Cargo.toml")?)
            .with_context(|| format!("{path} at {revision}"))
    }

    fn counted(&self, krate: &Crate, commit: Commit) -> Counted {
        let members = self.crates.members();
        let message = Message::parse(&commit.subject, &commit.body);
        let owners = if message.is_about(&krate.name, members) {
            Vec::new()
        } else {
            message.owners(members)
        };
        Counted {
            change: message.weight(&krate.name, members),
            owners: owners.into_iter().map(str::to_owned).collect(),
            commit,
        }
    }
}

fn reasons(
    commits: &[Counted],
    files: &[String],
    differences: &[String],
    own_manifest: &str,
) -> Vec<Reason> {
    let mut reasons: Vec<_> = commits
        .iter()
        .map(|counted| Reason {
            change: counted.change,
            words: format!(
                "{} ({})",
                counted.commit.subject,
                counted.commit.hash.get(..7).unwrap_or_default()
            ),
        })
        .collect();
    let is_told = |file: &str| {
        let mut files = commits.iter().flat_map(|counted| &counted.commit.files);
        files.any(|told| told == file)
    };
    // What a merge itself changed is in no commit's list.
    if !differences.is_empty() && !is_told(own_manifest) && !is_told("Cargo.toml") {
        reasons.push(Reason {
            change: Change::Fix,
            words: format!("the manifest: {}", differences.join(", ")),
        });
    }
    if let Some(file) = files.iter().find(|file| !is_told(file.as_str())) {
        reasons.push(Reason {
            change: Change::Fix,
            words: format!("{file} was changed in a merge"),
        });
    }
    reasons
}

fn reason_of(verdict: &Verdict) -> Option<Reason> {
    match verdict {
        Verdict::Asks(Change::Fix, _) => None,
        Verdict::Asks(change, words) => Some(Reason {
            change: *change,
            words: format!("cargo-semver-checks: {words}"),
        }),
        Verdict::Silent(words) => Some(Reason {
            change: Change::Fix,
            words: format!("cargo-semver-checks could not tell: {words}"),
        }),
    }
}
