//! Whose types the public API of a crate names: read from rustdoc's JSON.
//!
//! No crate that reads this format serves more than one version of it, and the format moves with
//! every other compiler. So we walk the JSON, and hold on to the little that has not moved: the tree
//! of items, and that whatever names a type has an `id` beside a `path` (once a `name`).

use std::collections::{BTreeSet, HashSet};

use anyhow::{Context, Result};
use serde_json::Value;

/// Crates whose types may stand in any API: the language's own, and what the design shares with users.
/// `serde_core` is where serde's traits lie.
const FREE: [&str; 8] = [
    "std",
    "core",
    "alloc",
    "http",
    "url",
    "secrecy",
    "serde",
    "serde_core",
];

/// A third party's types that a crate's design wants in its API.
struct Allowance {
    name: &'static str,
    /// Of whom the types are.
    party: &'static str,
    /// Where they may stand: how the items' paths end.
    items: &'static [&'static str],
    why: &'static str,
}

const ALLOWED: [Allowance; 4] = [
    Allowance {
        name: "auth-core",
        party: "reqwest",
        items: &[
            "HttpBuilder::customize",
            "HttpClientBuilder",
            "RequestBuilder",
            "Session::authorize",
            "Session::authorize_with",
        ],
        why: "the one HTTP library: its requests get headers, its builder knows what ours does not",
    },
    Allowance {
        name: "auth-core",
        party: "futures_core",
        items: &["States"],
        why: "the standard library has no `Stream` yet, and its crate for that has been 0.3 since 2019",
    },
    Allowance {
        name: "identityx-auth",
        party: "graphql_client",
        items: &[
            "Execute::execute",
            "Execute::execute_partial",
            "GraphQLQuery",
            "graphql_client",
        ],
        why: "a user's own operations are what its generator makes of them",
    },
    Allowance {
        name: "identityx-auth",
        party: "serde_json",
        items: &["Json", "JsonObject"],
        why: "two scalars of the vendor's are any JSON, and serde is in the API already",
    },
];

/// Something in the API that is a third party's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Foreign {
    /// The item, as a user would write it.
    pub(crate) item: String,
    /// The type, trait or macro that it names.
    pub(crate) named: String,
    /// Whose that is.
    pub(crate) party: String,
}

impl Foreign {
    /// Why this may stand in the API of the crate `name`; none if it may not.
    pub(crate) fn allowed_because(&self, name: &str) -> Option<&'static str> {
        let ends = |item: &str| {
            let start = self.item.strip_suffix(item);
            start.is_some_and(|start| start.is_empty() || start.ends_with("::"))
        };
        let mut allowances = ALLOWED.iter();
        let found = allowances.find(|it| {
            it.name == name && it.party == self.party && it.items.iter().any(|item| ends(item))
        });
        found.map(|it| it.why)
    }
}

/// What is a third party's in an API. `ours` are the workspace's libraries, as Rust spells them.
pub(crate) fn foreign(json: &str, ours: &[String]) -> Result<Vec<Foreign>> {
    let document: Value = serde_json::from_str(json).context("rustdoc's JSON is none")?;
    let mut walk = Walk {
        document: &document,
        ours,
        seen: HashSet::new(),
        found: BTreeSet::new(),
    };
    let root = walk.item(&document["root"]);
    let root = root.context("rustdoc's JSON has no root: its format has changed")?;
    walk.visit(root, "");
    Ok(walk.found.into_iter().collect())
}

struct Walk<'a> {
    document: &'a Value,
    ours: &'a [String],
    seen: HashSet<String>,
    found: BTreeSet<Foreign>,
}

impl<'a> Walk<'a> {
    fn item(&self, id: &Value) -> Option<&'a Value> {
        self.document["index"].get(key(id)?)
    }

    /// An item that users can reach, under its parent's path.
    fn visit(&mut self, item: &'a Value, parent: &str) {
        let path = match item["name"].as_str() {
            Some(name) if !parent.is_empty() => format!("{parent}::{name}"),
            Some(name) => name.to_owned(),
            None => parent.to_owned(),
        };
        self.visit_as(item, &path);
    }

    /// An item under the path that it has here.
    fn visit_as(&mut self, item: &'a Value, path: &str) {
        let Some((kind, inner)) = item["inner"].as_object().and_then(|it| it.iter().next()) else {
            return;
        };
        // Whatever can be reached in two ways is one item, and modules may re-export each other.
        if !self.seen.insert(key(&item["id"]).unwrap_or_default()) {
            return;
        }
        match kind.as_str() {
            "module" => self.visit_all(&inner["items"], path),
            "use" | "import" => self.re_export(inner, path),
            "impl" => self.implementation(inner, path),
            "trait" => {
                self.names(&inner["generics"], path);
                self.names(&inner["bounds"], path);
                self.visit_all(&inner["items"], path);
                self.visit_all(&inner["implementations"], path);
            }
            _ => {
                self.names(inner, path);
                for list in ["impls", "variants", "fields"] {
                    self.visit_all(&inner[list], path);
                }
                // Where structs and variants have their fields.
                let kind = &inner["kind"];
                self.visit_all(&kind["tuple"], path);
                self.visit_all(&kind["plain"]["fields"], path);
                self.visit_all(&kind["struct"]["fields"], path);
            }
        }
    }

    /// The items of a list of ids; `null` stands for what is private.
    fn visit_all(&mut self, ids: &'a Value, path: &str) {
        for id in ids.as_array().into_iter().flatten() {
            if let Some(item) = self.item(id) {
                self.visit(item, path);
            }
        }
    }

    fn re_export(&mut self, inner: &'a Value, parent: &str) {
        let target = self.item(&inner["id"]);
        let name = inner["name"].as_str().unwrap_or_default();
        match target {
            Some(target) if inner["is_glob"] == true => {
                self.visit_all(&target["inner"]["module"]["items"], parent);
                self.visit_all(&target["inner"]["enum"]["variants"], parent);
            }
            Some(target) => self.visit_as(target, &format!("{parent}::{name}")),
            None => {
                let source = inner["source"].as_str().unwrap_or_default();
                let item = format!("{parent}::{name}");
                let first = source.split("::").next().unwrap_or_default();
                let party = self.party(&inner["id"]);
                self.note(&item, source, party.as_deref().unwrap_or(first));
            }
        }
    }

    fn implementation(&mut self, inner: &'a Value, parent: &str) {
        // What the compiler finds out, and what somebody implements for every type, is nobody's
        // promise.
        if inner["is_synthetic"] == true || !inner["blanket_impl"].is_null() {
            return;
        }
        for part in ["generics", "trait", "for"] {
            self.names(&inner[part], parent);
        }
        self.visit_all(&inner["items"], parent);
    }

    /// Everything that is named in a signature, a type or a bound.
    fn names(&mut self, value: &'a Value, item: &str) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.names(value, item)),
            Value::Object(fields) => {
                // Not by these words: how a type is spelt is not how it is called.
                let is_named = fields.contains_key("path") || fields.contains_key("name");
                if let Some(id) = fields.get("id").filter(|_| is_named)
                    && let Some(party) = self.party(id)
                {
                    let path = &self.document["paths"][key(id).unwrap_or_default()]["path"];
                    let named = path.as_array().and_then(|path| path.last()?.as_str());
                    self.note(item, named.unwrap_or_default(), &party);
                }
                fields.values().for_each(|value| self.names(value, item));
            }
            _ => {}
        }
    }

    /// The crate in which something is defined; none if it is this one or unknown.
    fn party(&self, id: &Value) -> Option<String> {
        let number = &self.document["paths"].get(key(id)?)?["crate_id"];
        if *number == 0 {
            return None;
        }
        let party = self.document["external_crates"].get(key(number)?)?;
        party["name"].as_str().map(str::to_owned)
    }

    fn note(&mut self, item: &str, named: &str, party: &str) {
        let is_free = FREE.contains(&party) || self.ours.iter().any(|our| our == party);
        if !is_free && !["crate", "self", "super"].contains(&party) {
            self.found.insert(Foreign {
                item: item.to_owned(),
                named: named.to_owned(),
                party: party.to_owned(),
            });
        }
    }
}

/// Ids are numbers now and were texts once; as keys they are texts.
fn key(id: &Value) -> Option<String> {
    match id {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    const OTHER: &str = "
        pub struct Hidden; pub struct Field; pub struct Argument; pub struct Result; pub struct Exported;
        pub struct Variant; pub struct Bound; pub struct Constant; pub struct Associated;
        pub trait Trait {} pub trait Blanket {} impl<T> Blanket for T {}
        pub trait Super {} pub struct Alias; pub struct Local; pub struct Raw;
        pub trait Projected { type Of; }
    ";
    const SOME: &str = "
        mod private { pub struct Reached { pub field: Option<other::Field>, hidden: other::Hidden }
            impl Reached { pub fn call(&self, _: &[other::Argument]) -> other::Result { loop {} }
                pub fn plain(&self) -> String { loop {} } fn own(&self) -> other::Hidden { loop {} } }
            impl other::Trait for Reached {}
            impl Iterator for Reached { type Item = other::Associated;
                fn next(&mut self) -> Option<Self::Item> { loop {} } }
            pub struct Unreached(pub other::Hidden); }
        pub use private::Reached as Renamed;
        pub use other::Exported;
        pub enum Choice { One(other::Variant), Two { field: std::io::Error } }
        pub mod inner { pub fn bounded<T: Into<other::Bound>>(_: T) {}
            pub fn projected<T: other::Projected>(_: T::Of) {} }
        pub const CONSTANT: Option<other::Constant> = None;
        pub trait Own: other::Super {}
        pub type Alias = other::Alias;
        impl Own for other::Local {} impl other::Super for Renamed {}
        pub trait Local {} impl Local for other::Local {}
        pub union Raw { pub raw: std::mem::ManuallyDrop<other::Raw>, pub number: u32 }
        #[doc(hidden)] pub fn not_documented() -> other::Hidden { loop {} }
        pub struct Session; impl Session { pub fn authorize(_: other::Argument) {} }
    ";

    /// rustdoc's JSON of `SOME`, by the compiler that is here: its format is what is tested, too.
    fn described() -> String {
        let folder = tempfile::tempdir().unwrap();
        let other = OTHER.replace(
            "pub trait Super {}",
            "pub trait Super {} impl Super for Local {}",
        );
        fs::write(folder.path().join("other.rs"), other).unwrap();
        fs::write(folder.path().join("some.rs"), SOME).unwrap();
        for line in [
            "rustc --edition=2024 --crate-type=rlib --crate-name=other other.rs",
            "rustdoc --edition=2024 --crate-name=some --extern=other=libother.rlib some.rs \
             -Zunstable-options --output-format=json",
        ] {
            let mut words = line.split_whitespace();
            let output = Command::new(words.next().unwrap())
                .args(words)
                .env("RUSTC_BOOTSTRAP", "1")
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        fs::read_to_string(folder.path().join("doc/some.json")).unwrap()
    }

    #[test]
    fn every_foreign_type_in_the_api_is_found_with_the_item_that_names_it() {
        let found = foreign(&described(), &[]).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|it| {
                assert_eq!(it.party, "other");
                let named = it.named.rsplit("::").next().unwrap();
                format!("{} {named}", it.item)
            })
            .collect();
        assert_eq!(
            found,
            [
                "some::Alias Alias",
                "some::CONSTANT Constant",
                "some::Choice::One::0 Variant",
                "some::Exported Exported",
                "some::Local Local",
                "some::Own Local",
                "some::Own Super",
                "some::Raw::raw Raw",
                "some::Renamed Super",
                "some::Renamed Trait",
                "some::Renamed::Item Associated",
                "some::Renamed::call Argument",
                "some::Renamed::call Result",
                "some::Renamed::field Field",
                "some::Session::authorize Argument",
                "some::inner::bounded Bound",
                "some::inner::projected Projected",
            ]
        );
    }

    #[test]
    fn our_own_crates_and_the_free_ones_may_be_named_anywhere() {
        let json = described();
        assert_eq!(foreign(&json, &["other".to_owned()]).unwrap(), []);
        let json = json.replace("\"name\":\"other\"", "\"name\":\"secrecy\"");
        assert_eq!(foreign(&json, &[]).unwrap(), []);
    }

    #[test]
    fn an_allowance_is_for_its_items_in_its_crates_alone() {
        let foreign = |item: &str, party: &str| Foreign {
            item: item.to_owned(),
            named: String::new(),
            party: party.to_owned(),
        };
        let is_allowed = |item, party, name| foreign(item, party).allowed_because(name).is_some();
        let authorize = "auth_core::Session::authorize";
        assert!(is_allowed(authorize, "reqwest", "auth-core"));
        assert!(!is_allowed(authorize, "reqwest", "iqm-auth"));
        assert!(!is_allowed(authorize, "ureq", "auth-core"));
        let other = "auth_core::OldSession::authorize";
        assert!(!is_allowed(other, "reqwest", "auth-core"));
        assert!(!is_allowed(
            "auth_core::Session::send",
            "reqwest",
            "auth-core"
        ));
    }

    #[test]
    fn what_is_no_json_of_rustdocs_is_refused() {
        assert!(foreign("{", &[]).is_err());
        assert!(foreign("{}", &[]).is_err());
    }
}
