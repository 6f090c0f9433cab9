//! `release plan`: which version each crate needs, why, and who must follow.

mod show;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use semver::Version;

use super::changes::{self, Changes, Reason};
use super::commits::{Bump, Change};
use super::crates::Crates;
use super::git::Git;
use super::semver_checks;

/// What is to be done about a crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing is tagged yet: the manifest's version is published.
    FirstRelease,
    Unchanged,
    /// The version in the manifest does not do for what has changed.
    Needs(Bump),
    /// The manifest has a version that does: it waits for `release publish`.
    Prepared,
}

/// The plan for one crate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// In the manifest.
    pub(crate) version: Version,
    /// That is tagged.
    pub(crate) last: Option<Version>,
    pub(crate) commits: Option<usize>,
    pub(crate) state: State,
    /// What has changed since the last tag, whatever the manifest says.
    pub(crate) bump: Option<Bump>,
    /// The least version that a release may have.
    pub(crate) least: Version,
    /// The version of the next release; the present one where none is needed.
    pub(crate) next: Version,
    pub(crate) reasons: Vec<String>,
    /// The crates whose new versions its last release does not accept, with these versions.
    pub(crate) follows: Vec<(String, Version)>,
    /// The crates that must follow it.
    pub(crate) followed_by: Vec<String>,
}

impl Entry {
    pub(crate) fn is_released(&self) -> bool {
        self.state != State::Unchanged
    }
}

/// Prints the plan.
pub(crate) fn run(root: &Path, json: bool) -> Result<()> {
    let crates = Crates::load(root)?;
    if !Git::new(root).uncommitted()?.is_empty() {
        eprintln!("plan: not everything is committed, and only what is committed counts");
    }
    let tool = semver_checks::installed(root);
    let changes = changes::gather(root, &crates, tool.is_some())?;
    let entries = decide(&changes);
    if json {
        println!("{:#}", show::json(&entries, &changes, tool.as_deref()));
    } else {
        print!("{}", show::table(&entries, tool.as_deref()));
    }
    Ok(())
}

/// Chooses versions; the crates come and go dependencies first.
pub(crate) fn decide(changes: &[Changes]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for changes in changes {
        let entry = decide_one(changes, &entries);
        for (name, _) in &entry.follows {
            if let Some(leader) = entries.iter_mut().find(|it| it.name == *name) {
                leader.followed_by.push(entry.name.clone());
            }
        }
        entries.push(entry);
    }
    entries
}

fn decide_one(changes: &Changes, done: &[Entry]) -> Entry {
    let krate = &changes.krate;
    let mut entry = Entry {
        name: krate.name.clone(),
        version: krate.version.clone(),
        last: None,
        commits: None,
        state: State::FirstRelease,
        bump: None,
        least: krate.version.clone(),
        next: krate.version.clone(),
        reasons: vec!["nothing is tagged yet".to_owned()],
        follows: Vec::new(),
        followed_by: Vec::new(),
    };
    let Some(since) = &changes.since else {
        return entry;
    };
    let versions: BTreeMap<_, _> = done.iter().map(|it| (&it.name, &it.next)).collect();
    let mut reasons = since.reasons.clone();
    for dependency in &krate.dependencies {
        let name = &dependency.name;
        if let (Some(required), Some(next)) = (since.requirements.get(name), versions.get(name))
            && !required.matches(next)
        {
            entry.follows.push((name.clone(), (*next).clone()));
            // Ours re-export each other's types: what breaks in one breaks in the next.
            let reason = Reason {
                change: Change::Breaking,
                words: format!("follows {name} {next}, which {required} does not accept"),
            };
            reasons.insert(entry.follows.len() - 1, reason);
        }
    }
    entry.last = Some(since.version.clone());
    entry.commits = Some(since.commits.len());
    entry.reasons = reasons.iter().map(|reason| reason.words.clone()).collect();
    let is_newer = krate.version > since.version;
    let Some(change) = reasons.iter().map(|reason| reason.change).max() else {
        entry.least = Change::Fix.after(&since.version).1;
        entry.state = State::Unchanged;
        if is_newer {
            entry.state = State::Prepared;
            entry.reasons = vec!["nothing has changed but the version".to_owned()];
        }
        return entry;
    };
    let (bump, least) = change.after(&since.version);
    entry.bump = Some(bump);
    entry.least = least;
    if is_newer && krate.version >= entry.least {
        entry.state = State::Prepared;
        return entry;
    }
    if is_newer {
        let words = format!("{}, as prepared, is too small for this", krate.version);
        entry.reasons.insert(0, words);
    }
    entry.state = State::Needs(bump);
    entry.next = entry.least.clone();
    entry
}

#[cfg(test)]
pub(super) mod tests {
    use semver::VersionReq;

    use super::*;
    use crate::release::changes::Since;
    use crate::release::crates::tests::ours;

    /// Our crates as released at 0.1.0, with what has changed since.
    pub(in crate::release) fn changed(changes: &[(&str, Change)]) -> Vec<Changes> {
        let one = |krate: &crate::release::crates::Crate| Changes {
            since: Some(Since {
                version: Version::new(0, 1, 0),
                requirements: krate
                    .dependencies
                    .iter()
                    .map(|it| (it.name.clone(), it.requirement.clone()))
                    .collect(),
                commits: Vec::new(),
                reasons: changes
                    .iter()
                    .filter(|(name, _)| *name == krate.name)
                    .map(|(_, change)| Reason {
                        change: *change,
                        words: "it has changed".to_owned(),
                    })
                    .collect(),
                api: None,
            }),
            krate: krate.clone(),
        };
        ours().iter().map(one).collect()
    }

    fn find<'a>(changes: &'a mut [Changes], name: &str) -> &'a mut Changes {
        changes.iter_mut().find(|it| it.krate.name == name).unwrap()
    }

    /// What is released, in order.
    fn released(entries: &[Entry]) -> Vec<String> {
        entries
            .iter()
            .filter(|entry| entry.is_released())
            .map(|entry| format!("{} {}", entry.name, entry.next))
            .collect()
    }

    #[test]
    fn a_compatible_change_moves_its_own_crate_alone() {
        for change in [Change::Fix, Change::Addition] {
            let entries = decide(&changed(&[("auth-core", change)]));
            assert_eq!(released(&entries), ["auth-core 0.1.1"]);
            assert_eq!(entries[0].state, State::Needs(Bump::Patch));
        }
        assert_eq!(released(&decide(&changed(&[]))), [""; 0]);
    }

    #[test]
    fn a_breaking_change_moves_all_dependants_in_order() {
        let entries = decide(&changed(&[("auth-core", Change::Breaking)]));
        assert_eq!(
            released(&entries),
            ["auth-core 0.2.0", "edgeiq-auth 0.2.0", "iqm-auth 0.2.0"]
        );
        assert_eq!(entries[0].followed_by, ["edgeiq-auth", "iqm-auth"]);
        assert_eq!(
            entries[3].follows,
            [("auth-core".to_owned(), Version::new(0, 2, 0))]
        );
    }

    #[test]
    fn dependants_of_dependants_follow_as_well() {
        let mut changes = changed(&[("auth-core", Change::Breaking)]);
        let requirement = VersionReq::parse("0.1.0").unwrap();
        // As if there were another layer: iqm-auth on edgeiq-auth alone.
        let iqm = find(&mut changes, "iqm-auth");
        iqm.krate.dependencies[0].name = "edgeiq-auth".to_owned();
        iqm.since.as_mut().unwrap().requirements =
            BTreeMap::from([("edgeiq-auth".to_owned(), requirement)]);
        let entries = decide(&changes);
        assert_eq!(
            released(&entries),
            ["auth-core 0.2.0", "edgeiq-auth 0.2.0", "iqm-auth 0.2.0"]
        );
        assert_eq!(entries[1].followed_by, ["iqm-auth"]);
    }

    #[test]
    fn a_dependant_follows_what_was_prepared_earlier() {
        let mut changes = changed(&[("auth-core", Change::Breaking)]);
        let core = find(&mut changes, "auth-core");
        core.krate.version = Version::new(0, 2, 0);
        // Released since: only its tag tells.
        for has_tag in [false, true] {
            if has_tag {
                let since = find(&mut changes, "auth-core").since.as_mut().unwrap();
                since.version = Version::new(0, 2, 0);
                since.reasons.clear();
            }
            let entries = decide(&changes);
            assert_eq!(entries[0].next, Version::new(0, 2, 0));
            assert_eq!(entries[3].state, State::Needs(Bump::Minor));
            assert_eq!(entries[3].next, Version::new(0, 2, 0));
        }
    }

    #[test]
    fn from_one_on_an_incompatible_follower_moves_its_first_number() {
        let mut changes = changed(&[("auth-core", Change::Breaking)]);
        let iqm = find(&mut changes, "iqm-auth");
        iqm.krate.version = Version::new(1, 4, 2);
        iqm.since.as_mut().unwrap().version = Version::new(1, 4, 2);
        let entries = decide(&changes);
        assert_eq!(entries[3].state, State::Needs(Bump::Major));
        assert_eq!(entries[3].next, Version::new(2, 0, 0));
    }

    #[test]
    fn a_prepared_version_waits_unless_it_is_too_small() {
        let mut changes = changed(&[("iqm-auth", Change::Breaking)]);
        for (version, state, next) in [
            ("0.1.0", State::Needs(Bump::Minor), "0.2.0"),
            ("0.1.1", State::Needs(Bump::Minor), "0.2.0"),
            ("0.2.0", State::Prepared, "0.2.0"),
            ("0.3.0", State::Prepared, "0.3.0"),
        ] {
            find(&mut changes, "iqm-auth").krate.version = Version::parse(version).unwrap();
            let entry = decide(&changes).pop().unwrap();
            assert_eq!((entry.state, entry.next.to_string()), (state, next.into()));
            let complains = entry.reasons[0].contains("too small");
            assert_eq!(complains, version == "0.1.1", "{:?}", entry.reasons);
        }
    }

    #[test]
    fn a_crate_without_a_tag_keeps_its_version_and_follows_nobody() {
        let mut changes = changed(&[("auth-core", Change::Breaking)]);
        find(&mut changes, "iqm-auth").since = None;
        let entries = decide(&changes);
        assert_eq!(entries[3].state, State::FirstRelease);
        assert_eq!(entries[3].next, Version::new(0, 1, 0));
        assert_eq!(entries[0].followed_by, ["edgeiq-auth"]);
    }
}
