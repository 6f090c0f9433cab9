//! What a commit's words say of the version that it asks for.
//!
//! Conventional Commits, <https://www.conventionalcommits.org/en/v1.0.0/>: `feat(iqm-auth)!: words`.

use semver::{Prerelease, Version};

/// What a change means to whoever uses the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// Nothing that they could have asked for is new, and nothing that they have breaks.
    Fix,
    Addition,
    Breaking,
}

/// Which number of the version moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bump {
    Patch,
    Minor,
    Major,
}

impl Bump {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

impl Change {
    /// The least version after `last` that may hold such a change, by cargo's rules: below 1.0 the
    /// first number that is not 0 says what fits.
    pub(crate) fn after(self, last: &Version) -> (Bump, Version) {
        let Version {
            major,
            minor,
            patch,
            ..
        } = *last;
        if last.pre != Prerelease::EMPTY {
            // What comes after a pre-release may differ from it in any way.
            return (Bump::Patch, Version::new(major, minor, patch));
        }
        match self {
            Self::Breaking if major > 0 => (Bump::Major, Version::new(major + 1, 0, 0)),
            Self::Breaking if minor > 0 => (Bump::Minor, Version::new(major, minor + 1, 0)),
            Self::Addition if major > 0 => (Bump::Minor, Version::new(major, minor + 1, 0)),
            _ => (Bump::Patch, Version::new(major, minor, patch + 1)),
        }
    }
}

/// A commit's message, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// `feat`, `fix` and so on; none if the message is not a conventional one.
    kind: Option<String>,
    scopes: Vec<String>,
    breaking: bool,
}

impl Message {
    pub(crate) fn parse(subject: &str, body: &str) -> Self {
        let footer = |line: &str| {
            ["BREAKING CHANGE", "BREAKING-CHANGE"]
                .iter()
                .any(|token| line.strip_prefix(token).is_some_and(is_footer))
        };
        let breaking = body.lines().any(footer);
        let (kind, scopes, mark) = head(subject).unwrap_or_default();
        Self {
            kind,
            scopes,
            breaking: breaking || mark,
        }
    }

    /// What the commit means to users of `name`, which it touches. A scope that names crates of the
    /// workspace gives the commit's weight to these alone.
    pub(crate) fn weight(&self, name: &str, members: &[String]) -> Change {
        if !self.owners(members).is_empty() && !self.is_about(name, members) {
            return Change::Fix;
        }
        match (self.breaking, self.kind.as_deref()) {
            (true, _) => Change::Breaking,
            (false, Some("feat")) => Change::Addition,
            (false, _) => Change::Fix,
        }
    }

    /// Whether the commit is meant for this crate, or for none in particular.
    pub(crate) fn is_about(&self, name: &str, members: &[String]) -> bool {
        let owners = self.owners(members);
        owners.is_empty() || owners.contains(&name)
    }

    /// The members of the workspace that the scope names.
    pub(crate) fn owners(&self, members: &[String]) -> Vec<&str> {
        self.scopes
            .iter()
            .map(String::as_str)
            .filter(|scope| members.iter().any(|member| member == scope))
            .collect()
    }
}

/// What follows the token of a footer: `: words` or ` #words`.
fn is_footer(rest: &str) -> bool {
    rest.starts_with(": ") || rest.starts_with(" #")
}

type Head = (Option<String>, Vec<String>, bool);

fn head(subject: &str) -> Option<Head> {
    let (head, words) = subject.split_once(':')?;
    if !words.starts_with(' ') || words.trim().is_empty() {
        return None;
    }
    let (head, breaking) = match head.strip_suffix('!') {
        Some(head) => (head, true),
        None => (head, false),
    };
    let (kind, scopes) = match head.split_once('(') {
        Some((kind, scopes)) => (kind, scopes.strip_suffix(')')?),
        None => (head, ""),
    };
    if kind.is_empty() || !kind.chars().all(|letter| letter.is_ascii_alphabetic()) {
        return None;
    }
    let scopes = scopes
        .split(',')
        .map(str::trim)
        .filter(|scope| !scope.is_empty());
    Some((
        Some(kind.to_ascii_lowercase()),
        scopes.map(str::to_owned).collect(),
        breaking,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Vec<String> {
        ["auth-core", "iqm-auth", "xtask"].map(String::from).into()
    }

    fn weight(subject: &str, body: &str) -> Change {
        Message::parse(subject, body).weight("iqm-auth", &members())
    }

    #[test]
    fn a_message_says_what_it_means_to_users() {
        for (subject, body, change) in [
            ("feat: limits", "", Change::Addition),
            ("Feat(iqm-auth): limits", "", Change::Addition),
            ("feat!: limits", "", Change::Breaking),
            ("refactor(iqm-auth)!: names", "", Change::Breaking),
            (
                "fix: names",
                "Why.\n\nBREAKING CHANGE: names",
                Change::Breaking,
            ),
            ("fix: names", "BREAKING-CHANGE: names", Change::Breaking),
            ("Rename things", "BREAKING CHANGE: names", Change::Breaking),
            ("fix: names", "no BREAKING CHANGE: here", Change::Fix),
            ("fix: names", "BREAKING CHANGES are none", Change::Fix),
            ("fix: names", "", Change::Fix),
            ("docs: names", "", Change::Fix),
            ("Add limits", "", Change::Fix),
            ("feature: limits", "", Change::Fix),
            ("feat limits: all", "", Change::Fix),
            ("feat:limits", "", Change::Fix),
            ("feat(: limits", "", Change::Fix),
        ] {
            assert_eq!(weight(subject, body), change, "{subject} / {body}");
        }
    }

    #[test]
    fn a_scope_that_names_crates_gives_the_weight_to_these_alone() {
        for (scope, change) in [
            ("auth-core", Change::Fix),
            ("xtask", Change::Fix),
            ("auth-core,iqm-auth", Change::Breaking),
            ("auth-core, iqm-auth", Change::Breaking),
            ("iqm-auth", Change::Breaking),
            ("session", Change::Breaking),
            ("session,auth-core", Change::Fix),
        ] {
            let subject = format!("feat({scope})!: words");
            assert_eq!(weight(&subject, ""), change, "{subject}");
        }
        let message = Message::parse("feat(auth-core)!: words", "");
        assert!(message.is_about("auth-core", &members()));
        assert!(!message.is_about("iqm-auth", &members()));
    }

    #[test]
    fn versions_move_as_cargo_reads_them() {
        for (last, change, bump, next) in [
            ("0.1.2", Change::Fix, Bump::Patch, "0.1.3"),
            ("0.1.2", Change::Addition, Bump::Patch, "0.1.3"),
            ("0.1.2", Change::Breaking, Bump::Minor, "0.2.0"),
            ("0.0.2", Change::Breaking, Bump::Patch, "0.0.3"),
            ("1.4.2", Change::Fix, Bump::Patch, "1.4.3"),
            ("1.4.2", Change::Addition, Bump::Minor, "1.5.0"),
            ("1.4.2", Change::Breaking, Bump::Major, "2.0.0"),
            ("0.2.0-rc.1", Change::Breaking, Bump::Patch, "0.2.0"),
        ] {
            let next = Version::parse(next).unwrap();
            let last = Version::parse(last).unwrap();
            assert_eq!(change.after(&last), (bump, next), "{last} {change:?}");
        }
    }
}
