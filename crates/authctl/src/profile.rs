//! Profiles: which account of which vendor, where its token is kept. `config.toml` holds no secret.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind as IoKind, Write as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use toml_edit::{DocumentMut, Item, Table, TableLike, Value, value};

use crate::error::{Failure, Kind};
use crate::vendors::Vendor;

/// The file, in the user's configuration directory.
const FILE: &str = "authctl/config.toml";

/// The table of the profiles.
const PROFILES: &str = "profiles";

/// The profile that is used where none is named.
const DEFAULT: &str = "default-profile";

/// What a profile may say. All are texts; `allow-hosts` lists hosts, with blanks between.
pub(crate) const KEYS: [&str; 20] = [
    "vendor",
    "account",
    "base-url",
    "allow-hosts",
    "store",
    "store-path",
    "redis-url",
    "seal",
    "client-id",
    "workspace-host",
    "web-url",
    "workspace",
    "lifetime",
    "reset-url",
    "stage",
    "product",
    "identity",
    "application",
    "organization",
    "auth-url",
];

/// What stands above the profiles and holds for all that do not say otherwise.
pub(crate) const SHARED: [&str; 4] = ["store", "store-path", "redis-url", "seal"];

/// One account of one vendor.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) vendor: Vendor,
    values: BTreeMap<String, String>,
}

impl Profile {
    /// A new profile without settings.
    pub(crate) fn new(name: &str, vendor: Vendor) -> Result<Self, Failure> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
            let what = "a profile's name is up to 64 letters, digits, dots, dashes and underscores";
            return Err(Failure::usage(what).hint("choose another one: `--profile NAME`"));
        }
        let values = BTreeMap::from([("vendor".to_owned(), vendor.name().to_owned())]);
        Ok(Self {
            name: name.to_owned(),
            vendor,
            values,
        })
    }

    /// The setting of this name, if there is one.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        debug_assert!(KEYS.contains(&key), "{key}");
        self.values.get(key).map(String::as_str)
    }

    /// Changes a setting.
    pub(crate) fn set(&mut self, key: &str, text: impl Into<String>) {
        debug_assert!(KEYS.contains(&key), "{key}");
        self.values.insert(key.to_owned(), text.into());
    }

    /// Changes a setting if there is something to change it to.
    pub(crate) fn set_if(&mut self, key: &str, text: Option<impl Into<String>>) {
        if let Some(text) = text {
            self.set(key, text);
        }
    }

    /// The setting of this name.
    pub(crate) fn need(&self, key: &str) -> Result<&str, Failure> {
        self.get(key).ok_or_else(|| {
            let what = format!("the profile {} has no `{key}`", self.name);
            let again = format!("authctl login {} --profile {}", self.vendor, self.name);
            Failure::usage(what).hint(format!("log in once more: `{again}`"))
        })
    }

    /// Whose account it is.
    pub(crate) fn account(&self) -> Result<&str, Failure> {
        self.need("account")
    }

    /// What the file does not say is as it stands above the profiles.
    fn inherit(mut self, shared: &BTreeMap<String, String>) -> Self {
        for (key, text) in shared {
            self.values
                .entry(key.clone())
                .or_insert_with(|| text.clone());
        }
        self
    }
}

/// The file of profiles.
#[derive(Debug)]
pub(crate) struct Config {
    path: PathBuf,
    document: DocumentMut,
}

impl Config {
    /// Reads the file; none is an empty one.
    pub(crate) fn load() -> Result<Self, Failure> {
        Self::at(directory()?.join(FILE))
    }

    /// Reads a file of this form at another place.
    pub(crate) fn at(path: PathBuf) -> Result<Self, Failure> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == IoKind::NotFound => String::new(),
            Err(error) => {
                let what = format!("cannot read {}", path.display());
                return Err(Failure::io(what, &error));
            }
        };
        // The message of the library quotes lines.
        let document = text.parse::<DocumentMut>().map_err(|error| {
            let line = error.span().map_or(0, |span| {
                text[..span.start.min(text.len())].matches('\n').count()
            });
            wrong(&path, &format!("line {} is not TOML", line + 1))
        })?;
        let config = Self { path, document };
        config.check()?;
        Ok(config)
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn check(&self) -> Result<(), Failure> {
        for (key, item) in self.document.iter() {
            let known = [DEFAULT, PROFILES].contains(&key) || SHARED.contains(&key);
            if !known {
                return Err(wrong(&self.path, &format!("`{key}` is no setting")));
            }
            if key != PROFILES && text(item).is_none() {
                return Err(wrong(&self.path, &format!("`{key}` must be a text")));
            }
        }
        for name in self.names() {
            self.profile(&name)?;
        }
        Ok(())
    }

    fn table(&self) -> Option<&dyn TableLike> {
        self.document.get(PROFILES)?.as_table_like()
    }

    /// The names of all profiles.
    pub(crate) fn names(&self) -> Vec<String> {
        let table = self.table();
        let names = table
            .into_iter()
            .flat_map(|table| table.iter().map(|(name, _)| name.to_owned()));
        names.collect()
    }

    /// The name of the profile that is used where none is named.
    pub(crate) fn default_profile(&self) -> Option<&str> {
        self.document.get(DEFAULT)?.as_str()
    }

    /// The shared setting of this name.
    pub(crate) fn shared(&self) -> BTreeMap<String, String> {
        let of = |key: &&str| Some(((*key).to_owned(), text(self.document.get(key)?)?));
        SHARED.iter().filter_map(of).collect()
    }

    /// The profile, with what stands above all profiles.
    pub(crate) fn inherit(&self, profile: Profile) -> Profile {
        profile.inherit(&self.shared())
    }

    /// The profile of this name, if there is one.
    pub(crate) fn profile(&self, name: &str) -> Result<Option<Profile>, Failure> {
        let Some(item) = self.table().and_then(|table| table.get(name)) else {
            return Ok(None);
        };
        let at = |what: &str| wrong(&self.path, &format!("profile {name}: {what}"));
        let table = item.as_table_like().ok_or_else(|| at("is no table"))?;
        let mut values = BTreeMap::new();
        for (key, item) in table.iter() {
            if !KEYS.contains(&key) {
                return Err(at(&format!("`{key}` is no setting")));
            }
            let text = text(item).ok_or_else(|| at(&format!("`{key}` must be a text")))?;
            values.insert(key.to_owned(), text);
        }
        let vendor = values.get("vendor").map(String::as_str).unwrap_or_default();
        let vendor = Vendor::of_name(vendor)
            .ok_or_else(|| at("`vendor` must be iqm, edgeiq, eqworks or identityx"))?;
        let profile = Profile {
            values,
            ..Profile::new(name, vendor)?
        };
        Ok(Some(self.inherit(profile)))
    }

    /// The profile that is named, else the default one, else the only one.
    pub(crate) fn select(&self, named: Option<&str>) -> Result<Profile, Failure> {
        let all = self.names();
        let Some(name) = named.or(self.default_profile()) else {
            return match &all[..] {
                [only] => self.select(Some(only)),
                [] => Err(Failure::new(
                    auth_core::ErrorKind::InteractionRequired,
                    "there is no profile yet",
                )
                .hint("log in first: `authctl login iqm`, or edgeiq, eqworks, identityx")),
                _ => Err(Failure::usage("there are several profiles").hint(format!(
                    "name one: `--profile NAME` or AUTHCTL_PROFILE; there are: {}",
                    all.join(", ")
                ))),
            };
        };
        self.profile(name)?.ok_or_else(|| {
            let there_are = if all.is_empty() {
                "none".to_owned()
            } else {
                all.join(", ")
            };
            Failure::usage(format!("there is no profile {name}"))
                .hint(format!("log in to make it; there are: {there_are}"))
        })
    }

    /// Puts the profile's settings into the file. What was there keeps its place and its comments.
    pub(crate) fn put(&mut self, profile: &Profile) -> Result<(), Failure> {
        let shared = self.shared();
        self.change(|document| {
            let profiles = document.entry(PROFILES).or_insert_with(|| {
                let mut table = Table::new();
                table.set_implicit(true);
                Item::Table(table)
            });
            let table = profiles
                .as_table_like_mut()?
                .entry(&profile.name)
                .or_insert_with(|| Item::Table(Table::new()))
                .as_table_like_mut()?;
            for key in KEYS {
                let text = profile.get(key);
                // What stands above the profiles is not repeated.
                if let Some(text) = text.filter(|text| {
                    table.contains_key(key) || shared.get(key).map(String::as_str) != Some(text)
                }) {
                    put(table, key, text);
                }
            }
            Some(())
        })
    }

    /// Changes the setting `key` that holds for all profiles, or the default profile.
    pub(crate) fn put_shared(&mut self, key: &str, text: &str) -> Result<(), Failure> {
        self.change(|document| {
            put(document.as_table_mut(), key, text);
            Some(())
        })
    }

    /// Which profile is used where none is named.
    pub(crate) fn set_default(&mut self, name: &str) -> Result<(), Failure> {
        self.put_shared(DEFAULT, name)
    }

    /// Takes the profile out of the file.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.change(|document| {
            if let Some(table) = document.get_mut(PROFILES) {
                table.as_table_like_mut()?.remove(name);
            }
            if document.get(DEFAULT).and_then(Item::as_str) == Some(name) {
                document.remove(DEFAULT);
            }
            Some(())
        })
    }

    /// Reads the file again, changes it, and writes it in one step: others may do so as well.
    fn change(
        &mut self,
        change: impl FnOnce(&mut DocumentMut) -> Option<()>,
    ) -> Result<(), Failure> {
        *self = Self::at(self.path.clone())?;
        change(&mut self.document)
            .ok_or_else(|| wrong(&self.path, "`profiles` must be a table of tables"))?;
        write(&self.path, &self.document.to_string())
    }
}

/// Writes a file in one step, readable by its owner alone.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| Failure::io(format!("cannot write {}", path.display()), &error);
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(failed)?;
    // A link to the file stays a link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().unwrap_or(directory);
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A changed value keeps the comment behind it.
fn put(table: &mut dyn TableLike, key: &str, text: &str) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) if old.as_str() == Some(text) => {}
        Some(old) => {
            let decor = old.decor().clone();
            *old = Value::from(text);
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(key, value(text));
        }
    }
}

fn text(item: &Item) -> Option<String> {
    let number = item.as_integer().map(|number| number.to_string());
    item.as_str().map(str::to_owned).or(number)
}

fn wrong(path: &Path, what: &str) -> Failure {
    let what = format!("{}: {what}", path.display());
    Failure::new(Kind::Usage, what).hint("correct the file, or move it away and log in again")
}

fn strategy() -> Result<impl etcetera::BaseStrategy, Failure> {
    etcetera::choose_base_strategy().map_err(|_| {
        Failure::usage("there is no home directory")
            .hint("set HOME, or XDG_CONFIG_HOME and XDG_STATE_HOME")
    })
}

/// The user's directory of settings.
fn directory() -> Result<PathBuf, Failure> {
    Ok(strategy()?.config_dir())
}

/// The directory of what is no setting: tokens in files, log-ins that wait for a mail.
pub(crate) fn state_directory() -> Result<PathBuf, Failure> {
    let known = strategy()?;
    let state = known.state_dir().unwrap_or_else(|| known.cache_dir());
    Ok(state.join("authctl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"# mine
default-profile = "work" # the usual one
store = "file"

[profiles.work]
vendor = "iqm"
account = "sue@acme.test" # Sue's
workspace = 7

# The other one.
[profiles.home]
vendor = "edgeiq"
"#;

    fn config(text: &str) -> (tempfile::TempDir, Result<Config, Failure>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        fs::write(&path, text).unwrap();
        let config = Config::at(path);
        (directory, config)
    }

    #[test]
    fn comments_and_order_stay_when_a_profile_changes() {
        let (_directory, config) = config(FILE);
        let mut config = config.unwrap();
        let mut profile = config.select(None).unwrap();
        assert_eq!(profile.get("store"), Some("file"));
        assert_eq!(profile.get("workspace"), Some("7"));
        profile.set("account", "ann@acme.test");
        profile.set("workspace", "8");
        config.put(&profile).unwrap();
        let expected = FILE
            .replace("sue@acme.test", "ann@acme.test")
            .replace("workspace = 7", "workspace = \"8\"");
        assert_eq!(fs::read_to_string(config.path()).unwrap(), expected);
    }

    #[test]
    fn a_profile_that_is_removed_is_no_default() {
        let (_directory, config) = config(FILE);
        let mut config = config.unwrap();
        config.remove("work").unwrap();
        assert_eq!(config.select(None).unwrap().name, "home");
        assert!(config.select(Some("work")).is_err());
    }

    #[test]
    fn a_first_profile_makes_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::at(directory.path().join("a/config.toml")).unwrap();
        assert_eq!(config.select(None).unwrap_err().kind().exit_code(), 4);
        let mut profile = Profile::new("iqm", Vendor::Iqm).unwrap();
        profile.set("account", "sue@acme.test");
        config.put(&profile).unwrap();
        let text = fs::read_to_string(config.path()).unwrap();
        let expected = "[profiles.iqm]\nvendor = \"iqm\"\naccount = \"sue@acme.test\"\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_the_file_gets_wrong_is_named() {
        for (text, what) in [
            ("a = ", "line 1 is not TOML"),
            ("passwort = \"x\"", "`passwort` is no setting"),
            ("store = true", "`store` must be a text"),
            ("[profiles.a]\nvendor = \"x\"", "`vendor` must be"),
            (
                "[profiles.a]\nvendor = \"iqm\"\ntoken = \"x\"",
                "`token` is no setting",
            ),
            ("profiles.a = 1", "is no table"),
        ] {
            let failure = config(text).1.unwrap_err();
            assert!(failure.what().contains(what), "{}", failure.what());
            assert_eq!(failure.kind().exit_code(), 2);
        }
    }

    #[test]
    fn a_name_is_plain() {
        for name in ["", "a b", "a/b", "é", &"a".repeat(65)] {
            assert!(Profile::new(name, Vendor::Iqm).is_err(), "{name}");
        }
        assert!(Profile::new("Work-1.eu_west", Vendor::Iqm).is_ok());
    }
}
