//! `release prepare`: new versions, requirements and changelogs, in one commit.

mod edits;
mod install_lines;
mod versions;

use std::path::Path;

use anyhow::{Result, bail, ensure};
use semver::Version;

use super::changes::{self, Changes};
use super::crates::Crates;
use super::git::Git;
use super::plan::{Entry, State, decide};
use super::{Selection, changelog, semver_checks};
use edits::Edits;

/// A crate and the version that it gets.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    name: String,
    version: Version,
}

/// Prepares these crates and commits that; the tree is as it was if something fails.
pub(crate) fn run(root: &Path, selection: &Selection) -> Result<()> {
    let git = Git::new(root);
    git.require_clean()?;
    let crates = Crates::load(root)?;
    selection.names(&crates)?;
    let changes = changes::gather(root, &crates, semver_checks::installed(root).is_some())?;
    let entries = decide(&changes);
    let choices = choose(&entries, selection)?;
    let mut edits = Edits::new(root);
    for choice in &choices {
        prepare(root, choice, &changes, &entries, &mut edits)?;
    }
    install_lines::update(&mut edits, &crates, &choices)?;
    let (now, notes) = outlook(&changes, &choices);
    if edits.is_empty() {
        println!(
            "Nothing had to change: {} stand as they are.",
            list(&choices)
        );
    } else {
        let message = format!("chore(release): {}", list(&choices));
        edits.commit(git, &message, versions_move(&choices, &changes))?;
        println!("Committed \"{message}\".");
        println!("Read the changelogs, mend what users would not understand, then");
        println!("  git commit --all --amend --no-edit");
    }
    let names: Vec<_> = choices.iter().map(|choice| choice.name.as_str()).collect();
    let names = names.join(" ");
    println!("Next:\n  cargo xtask release check {names}\n  cargo xtask release publish {names}");
    for note in notes.into_iter().chain(now) {
        println!("{note}");
    }
    Ok(())
}

/// The version of each selected crate, dependencies first.
fn choose(entries: &[Entry], selection: &Selection) -> Result<Vec<Choice>> {
    let mut choices = Vec::new();
    for entry in entries {
        let wanted = match selection {
            Selection::All if !entry.is_released() => continue,
            Selection::All => None,
            Selection::These(these) => {
                let mut versions: Vec<_> = these
                    .iter()
                    .filter(|named| named.name == entry.name)
                    .map(|named| named.version.as_ref())
                    .collect();
                versions.dedup();
                match versions[..] {
                    [] => continue,
                    [version] => version,
                    _ => bail!("{} is named with two versions", entry.name),
                }
            }
        };
        let version = version(entry, wanted)?;
        for (leader, _) in &entry.follows {
            let is_open = entries
                .iter()
                .any(|it| it.name == *leader && matches!(it.state, State::Needs(_)));
            let is_chosen = choices.iter().any(|it: &Choice| it.name == *leader);
            ensure!(
                !is_open || is_chosen,
                "{} follows {leader}, which is not prepared: name {leader} as well",
                entry.name
            );
        }
        choices.push(Choice {
            name: entry.name.clone(),
            version,
        });
    }
    if choices.is_empty() {
        bail!("nothing has changed that users notice, so there is nothing to prepare");
    }
    Ok(choices)
}

fn version(entry: &Entry, wanted: Option<&Version>) -> Result<Version> {
    let Entry { name, least, .. } = entry;
    let last = entry.last.as_ref();
    let Some(wanted) = wanted else {
        if let (State::Unchanged, Some(last)) = (entry.state, last) {
            bail!(
                "nothing that users notice has changed in {name} since {last}; `{name}@{least}` \
                 releases it all the same"
            );
        }
        return Ok(entry.next.clone());
    };
    if let Some(last) = last.filter(|last| wanted <= *last) {
        bail!("{name} {wanted} is not higher than {last}, which is released");
    }
    if wanted < least {
        bail!("{name} {wanted} is too low: what has changed needs {least} at least");
    }
    if *wanted < entry.version {
        bail!(
            "{name} {wanted} is lower than {}, which its manifest has",
            entry.version
        );
    }
    Ok(wanted.clone())
}

fn prepare(
    root: &Path,
    choice: &Choice,
    changes: &[Changes],
    entries: &[Entry],
    edits: &mut Edits<'_>,
) -> Result<()> {
    let Choice { name, version } = choice;
    let found = changes.iter().zip(entries);
    let Some((changes, entry)) = found.into_iter().find(|(_, entry)| entry.name == *name) else {
        bail!("{name} has no plan");
    };
    versions::set(edits, &changes.krate, version)?;
    let path = changes.krate.folder.join("CHANGELOG.md");
    let text = edits.read_or_empty(&path)?;
    let body = || match &changes.since {
        None => Ok("First release.".to_owned()),
        Some(since) => changelog::generate(root, name, version, since, &entry.follows),
    };
    edits.set(&path, changelog::with_section(&text, version, body)?)
}

fn versions_move(choices: &[Choice], changes: &[Changes]) -> bool {
    choices.iter().any(|choice| {
        let mut changes = changes.iter();
        changes.any(|it| it.krate.name == choice.name && it.krate.version != choice.version)
    })
}

/// What must follow and was not named; and what was not named though it has changed and the chosen
/// ones are built with it.
fn outlook(changes: &[Changes], choices: &[Choice]) -> (Vec<String>, Vec<String>) {
    let mut changes = changes.to_vec();
    for choice in choices {
        for changes in &mut changes {
            if changes.krate.name == choice.name {
                changes.krate.version = choice.version.clone();
            }
        }
    }
    let entries = decide(&changes);
    let open = |entry: &&Entry| matches!(entry.state, State::Needs(_));
    let follow = entries
        .iter()
        .filter(open)
        .filter(|entry| !entry.follows.is_empty())
        .map(|entry| {
            let leaders: Vec<_> = entry
                .follows
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            format!("{} must follow {}.", entry.name, leaders.join(", "))
        });
    let needed = entries.iter().filter(open).filter_map(|entry| {
        let dependants = changes.iter().filter(|changes| {
            let mut dependencies = changes.krate.dependencies.iter();
            dependencies.any(|it| it.name == entry.name)
                && choices.iter().any(|it| it.name == changes.krate.name)
        });
        let dependants: Vec<_> = dependants.map(|it| it.krate.name.as_str()).collect();
        (!dependants.is_empty()).then(|| {
            format!(
                "{} has changed and is not prepared: if {} cannot do without that, name it too.",
                entry.name,
                dependants.join(", ")
            )
        })
    });
    (needed.collect(), follow.collect())
}

fn list(choices: &[Choice]) -> String {
    let words: Vec<_> = choices
        .iter()
        .map(|Choice { name, version }| format!("{name} {version}"))
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::commits::Change;
    use crate::release::named;
    use crate::release::plan::tests::changed;

    fn these(words: &[&str]) -> Selection {
        let read = |word: &&str| named(word, "prepare").unwrap();
        Selection::These(words.iter().map(read).collect())
    }

    fn chosen(changes: &[Changes], names: &[&str]) -> Result<String> {
        let choices = choose(&decide(changes), &these(names))?;
        Ok(list(&choices))
    }

    fn refusal(changes: &[Changes], names: &[&str]) -> String {
        chosen(changes, names).unwrap_err().to_string()
    }

    #[test]
    fn versions_are_those_of_the_plan_or_those_that_were_said() {
        let changes = changed(&[("auth-core", Change::Fix), ("iqm-auth", Change::Breaking)]);
        assert_eq!(
            chosen(&changes, &["iqm-auth", "auth-core"]).unwrap(),
            "auth-core 0.1.1, iqm-auth 0.2.0"
        );
        assert_eq!(
            chosen(&changes, &["iqm-auth@1.0.0"]).unwrap(),
            "iqm-auth 1.0.0"
        );
        assert_eq!(
            chosen(&changes, &["edgeiq-auth@0.1.1"]).unwrap(),
            "edgeiq-auth 0.1.1"
        );
        let all = choose(&decide(&changes), &Selection::All).unwrap();
        assert_eq!(list(&all), "auth-core 0.1.1, iqm-auth 0.2.0");
    }

    #[test]
    fn a_version_that_cannot_be_is_refused() {
        let mut changes = changed(&[("iqm-auth", Change::Breaking)]);
        for (version, words) in [
            ("0.1.0", "not higher than 0.1.0"),
            ("0.0.9", "not higher than 0.1.0"),
            ("0.1.1", "needs 0.2.0 at least"),
            ("0.2.0-rc.1", "needs 0.2.0 at least"),
        ] {
            let refusal = refusal(&changes, &[&format!("iqm-auth@{version}")]);
            assert!(refusal.contains(words), "{refusal}");
        }
        let twice = refusal(&changes, &["iqm-auth@0.2.0", "iqm-auth@0.3.0"]);
        assert!(twice.contains("two versions"), "{twice}");
        changes[3].krate.version = Version::new(0, 4, 0);
        let lowered = refusal(&changes, &["iqm-auth@0.3.0"]);
        assert!(lowered.contains("lower than 0.4.0"), "{lowered}");
        changes[3].since = None;
        let first = refusal(&changes, &["iqm-auth@0.3.0"]);
        assert!(first.contains("needs 0.4.0 at least"), "{first}");
        assert_eq!(chosen(&changes, &["iqm-auth"]).unwrap(), "iqm-auth 0.4.0");
    }

    #[test]
    fn a_crate_without_changes_is_refused_with_the_version_that_would_do() {
        let refusal = refusal(&changed(&[]), &["iqm-auth"]);
        assert!(refusal.contains("`iqm-auth@0.1.1`"), "{refusal}");
        let none = choose(&decide(&changed(&[])), &Selection::All).unwrap_err();
        assert!(none.to_string().contains("nothing to prepare"), "{none}");
    }

    #[test]
    fn a_follower_waits_for_the_crate_that_it_follows() {
        let mut changes = changed(&[("auth-core", Change::Breaking)]);
        let refusal = refusal(&changes, &["iqm-auth"]);
        assert!(refusal.contains("name auth-core as well"), "{refusal}");
        assert_eq!(
            chosen(&changes, &["iqm-auth", "auth-core"]).unwrap(),
            "auth-core 0.2.0, iqm-auth 0.2.0"
        );
        changes[0].krate.version = Version::new(0, 2, 0);
        assert_eq!(chosen(&changes, &["iqm-auth"]).unwrap(), "iqm-auth 0.2.0");
    }

    #[test]
    fn what_was_not_named_and_should_be_is_told() {
        let changes = changed(&[("auth-core", Change::Breaking)]);
        let choices = choose(&decide(&changes), &these(&["auth-core", "iqm-auth"])).unwrap();
        let (needed, follow) = outlook(&changes, &choices);
        assert_eq!(needed, [""; 0]);
        assert_eq!(follow, ["edgeiq-auth must follow auth-core."]);

        let changes = changed(&[("auth-core", Change::Fix), ("iqm-auth", Change::Fix)]);
        let choices = choose(&decide(&changes), &these(&["iqm-auth"])).unwrap();
        let (needed, follow) = outlook(&changes, &choices);
        assert!(needed[0].starts_with("auth-core has changed"), "{needed:?}");
        assert_eq!(follow, [""; 0]);
    }
}
