//! The text of a struct or an enum, with its derives and its `Debug`.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::error::Error;
use crate::names;

/// Derives that `SecretString` does not support.
const COMPARISONS: [&str; 5] = ["Eq", "Hash", "Ord", "PartialEq", "PartialOrd"];

pub(crate) const STRING: &str = "::std::string::String";
pub(crate) const RESULT: &str = "::std::result::Result";

/// What the generated types of one direction derive besides serde's own.
#[derive(Clone, Debug)]
pub(crate) struct Derives(pub(crate) Vec<String>);

impl Derives {
    /// The names of a list, which must be paths.
    pub(crate) fn parse(list: &str) -> Result<Self, Error> {
        let names = list
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let names: Vec<String> = names.map(str::to_owned).collect();
        match names.iter().find(|name| !names::is_path(name)) {
            Some(wrong) => Err(Error::Options(wrong.clone())),
            None => Ok(Self(names)),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|path| last(path) == name)
    }

    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let kept = self.0.iter().filter(|path| !names.contains(&last(path)));
        Self(kept.cloned().collect())
    }

    pub(crate) fn without_comparisons(&self) -> Self {
        self.without(&COMPARISONS)
    }

    /// The attribute, after the given paths.
    pub(crate) fn attribute(&self, first: &[&str]) -> String {
        let mut seen = BTreeSet::new();
        let all = first
            .iter()
            .copied()
            .chain(self.0.iter().map(String::as_str));
        let all: Vec<_> = all.filter(|path| seen.insert(last(path))).collect();
        if all.is_empty() {
            return String::new();
        }
        format!("#[derive({})]\n", all.join(", "))
    }
}

fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// How a field keeps its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// It has none.
    Plain,
    /// Its type is `SecretString`.
    Text,
    /// Its type is anything else: `Debug` of its struct leaves it out.
    Hidden,
}

/// A field of a struct, or a variant of an input of which one field is sent.
#[derive(Clone)]
pub(crate) struct Field {
    /// As it is sent or received.
    pub(crate) key: String,
    pub(crate) name: String,
    /// The whole type.
    pub(crate) ty: String,
    /// May be left out of what is sent or received.
    pub(crate) optional: bool,
    pub(crate) secrecy: Secrecy,
    /// Holds ids, which arrive as text or as numbers.
    pub(crate) is_id: bool,
    pub(crate) deprecated: Option<String>,
}

/// Which way a type goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Variables,
    Response,
}

/// How the types of one side are written.
pub(crate) struct Style<'a> {
    pub(crate) runtime: &'a str,
    pub(crate) side: Side,
    pub(crate) derives: Derives,
}

impl Style<'_> {
    /// The derives with serde's own; `more` are those of this one type.
    pub(crate) fn derives(&self, hides: bool, more: &[&str]) -> String {
        let runtime = self.runtime;
        let serde = match self.side {
            Side::Variables => format!("{runtime}::serde::Serialize"),
            Side::Response => format!("{runtime}::serde::Deserialize"),
        };
        let own = if hides {
            self.derives.without(&["Debug"])
        } else {
            self.derives.clone()
        };
        let first: Vec<_> = [serde.as_str()]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        format!(
            "{}#[serde(crate = \"{runtime}::serde\")]\n",
            own.attribute(&first)
        )
    }

    fn hides(&self, fields: &[Field]) -> bool {
        self.derives.has("Debug") && fields.iter().any(|field| field.secrecy == Secrecy::Hidden)
    }

    /// A struct with its constructor, where it has one.
    pub(crate) fn structure(&self, name: &str, doc: &str, fields: &[Field]) -> String {
        let hides = self.hides(fields);
        let is_input = self.side == Side::Variables;
        let optional = fields.iter().all(|field| field.optional);
        let more: &[&str] = if is_input && optional {
            &["Default"]
        } else {
            &[]
        };
        let mut text = format!("/// {doc}\n{}", self.derives(hides, more));
        if is_input && fields.is_empty() {
            let _ = writeln!(text, "pub struct {name};");
            return text;
        }
        let _ = writeln!(text, "pub struct {name} {{");
        for field in fields {
            for attribute in self.attributes(field) {
                let _ = writeln!(text, "    {attribute}");
            }
            let _ = writeln!(text, "    pub {}: {},", field.name, field.ty);
        }
        text.push_str("}\n");
        if is_input && !optional {
            text.push_str(&constructor(name, fields));
        }
        if hides {
            let mut shown = format!("f.debug_struct({name:?})");
            for field in fields {
                let value = match field.secrecy {
                    Secrecy::Hidden => "&\"[REDACTED]\"".to_owned(),
                    _ => format!("&self.{}", field.name),
                };
                let _ = write!(shown, "\n            .field({:?}, {value})", field.name);
            }
            text.push_str(&debug(name, &format!("{shown}\n            .finish()")));
        }
        text
    }

    /// The enum of an input of which exactly one field is sent.
    pub(crate) fn one_of(&self, name: &str, fields: &[Field]) -> String {
        let hides = self.hides(fields);
        let mut text = format!("/// The input `{name}`, of which one field is sent.\n");
        text.push_str(&self.derives(hides, &[]));
        let _ = writeln!(text, "pub enum {name} {{");
        for field in fields {
            let _ = writeln!(text, "    #[serde(rename = {:?})]", field.key);
            let secret = self.written_as_secret(field).unwrap_or_default();
            let _ = writeln!(text, "    {}({secret}{}),", field.name, field.ty);
        }
        text.push_str("}\n");
        if hides {
            let mut shown = "match self {\n".to_owned();
            for Field { name, secrecy, .. } in fields {
                let (bound, value) = match secrecy {
                    Secrecy::Hidden => ("_", "&\"[REDACTED]\""),
                    _ => ("it", "it"),
                };
                let _ = writeln!(
                    shown,
                    "            Self::{name}({bound}) => f.debug_tuple({name:?}).field({value}).finish(),"
                );
            }
            text.push_str(&debug(name, &format!("{shown}        }}")));
        }
        text
    }

    fn written_as_secret(&self, field: &Field) -> Option<String> {
        let is_written = self.side == Side::Variables || self.derives.has("Serialize");
        (is_written && field.secrecy == Secrecy::Text).then(|| {
            format!(
                "#[serde(serialize_with = \"{}::serialize_secret\")] ",
                self.runtime
            )
        })
    }

    fn attributes(&self, field: &Field) -> Vec<String> {
        let mut attributes = Vec::new();
        let mut serde = Vec::new();
        if field.key != field.name {
            serde.push(format!("rename = {:?}", field.key));
        }
        match self.side {
            Side::Variables if field.optional => {
                serde.push("skip_serializing_if = \"::std::option::Option::is_none\"".to_owned());
            }
            Side::Response if field.is_id => {
                if field.optional {
                    serde.push("default".to_owned());
                }
                serde.push(format!(
                    "deserialize_with = \"{}::deserialize_id\"",
                    self.runtime
                ));
            }
            _ => {}
        }
        if !serde.is_empty() {
            attributes.push(format!("#[serde({})]", serde.join(", ")));
        }
        attributes.extend(
            self.written_as_secret(field)
                .map(|it| it.trim_end().to_owned()),
        );
        attributes.extend(
            field
                .deprecated
                .as_ref()
                .map(|reason| format!("#[deprecated(note = {reason:?})]")),
        );
        attributes
    }
}

/// Takes what is required; what is optional is left out.
fn constructor(name: &str, fields: &[Field]) -> String {
    let required = fields.iter().filter(|field| !field.optional);
    let required: Vec<_> = required
        .map(|field| format!("{}: {}", field.name, field.ty))
        .collect();
    let mut text = format!(
        "\nimpl {name} {{\n    /// What is required; the rest is left out.\n    pub fn new({}) -> Self {{\n        Self {{\n",
        required.join(", ")
    );
    for Field { name, optional, .. } in fields {
        let value = if *optional {
            ": ::std::option::Option::None"
        } else {
            ""
        };
        let _ = writeln!(text, "            {name}{value},");
    }
    text.push_str("        }\n    }\n}\n");
    text
}

fn debug(name: &str, body: &str) -> String {
    format!(
        "\nimpl ::std::fmt::Debug for {name} {{\n    fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> \
         ::std::fmt::Result {{\n        {body}\n    }}\n}}\n"
    )
}

/// An enum of the schema, with a variant for values that the schema does not have yet.
pub(crate) fn enumeration(
    runtime: &str,
    name: &str,
    derives: &Derives,
    values: &[(String, String, Option<String>)],
) -> String {
    let mut text = format!(
        "/// The enum `{name}`.\n{}pub enum {name} {{\n",
        derives.attribute(&[])
    );
    let mut to_text = String::new();
    let mut from_text = String::new();
    for (value, variant, deprecated) in values {
        if let Some(reason) = deprecated {
            let _ = writeln!(text, "    #[deprecated(note = {reason:?})]");
        }
        let _ = writeln!(text, "    {variant},");
        let _ = writeln!(to_text, "            Self::{variant} => {value:?},");
        let _ = writeln!(from_text, "            {value:?} => Self::{variant},");
    }
    let _ = write!(
        text,
        "    /// A value that the schema does not have.
    Other({STRING}),
}}

impl {name} {{
    /// The value as it is sent and received.
    pub fn as_str(&self) -> &str {{
        match self {{
{to_text}            Self::Other(value) => value,
        }}
    }}
}}

impl {runtime}::serde::Serialize for {name} {{
    fn serialize<S: {runtime}::serde::Serializer>(&self, serializer: S) -> {RESULT}<S::Ok, S::Error> {{
        serializer.serialize_str(self.as_str())
    }}
}}

impl<'de> {runtime}::serde::Deserialize<'de> for {name} {{
    fn deserialize<D: {runtime}::serde::Deserializer<'de>>(deserializer: D) -> {RESULT}<Self, D::Error> {{
        let value = <{STRING} as {runtime}::serde::Deserialize>::deserialize(deserializer)?;
        {RESULT}::Ok(match value.as_str() {{
{from_text}            _ => Self::Other(value),
        }})
    }}
}}
"
    );
    text
}
