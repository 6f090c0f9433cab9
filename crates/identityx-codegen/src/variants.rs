//! The enum of a selection set that depends on the type of the object.

use std::fmt::Write;

use crate::structure::{Field, RESULT, Style};

pub(crate) struct Enum {
    pub(crate) name: String,
    /// The interface or union.
    pub(crate) of: String,
    /// The key of `__typename` in the answer.
    pub(crate) tag: String,
    pub(crate) variants: Vec<Variant>,
    /// The fields that all variants have.
    pub(crate) common: Vec<Field>,
}

pub(crate) struct Variant {
    /// The type's name in the schema; `None` for one that it does not have.
    pub(crate) of: Option<String>,
    pub(crate) name: String,
    /// The struct of the fields.
    pub(crate) ty: String,
}

impl Enum {
    pub(crate) fn text(&self, style: &Style<'_>) -> String {
        let Self { name, of, tag, .. } = self;
        let runtime = style.runtime;
        let mut variants = String::new();
        let mut arms = String::new();
        for Variant { of, name, ty } in &self.variants {
            let pattern = of.as_ref().map_or("_".to_owned(), |of| format!("{of:?}"));
            if of.is_none() {
                variants.push_str("    /// A type that the schema does not have.\n");
            }
            let _ = writeln!(variants, "    {name}({ty}),");
            let _ = writeln!(
                arms,
                "            {pattern} => {runtime}::serde::Deserialize::deserialize(value).map(Self::{name}),"
            );
        }
        let derives = style.derives.attribute(&[]);
        let serde = if style.derives.has("Serialize") {
            format!("#[serde(crate = \"{runtime}::serde\", untagged)]\n")
        } else {
            String::new()
        };
        let mut text = format!(
            "/// Which `{of}` it is.
{derives}{serde}pub enum {name} {{
{variants}}}

impl<'de> {runtime}::serde::Deserialize<'de> for {name} {{
    fn deserialize<D: {runtime}::serde::Deserializer<'de>>(deserializer: D) -> {RESULT}<Self, D::Error> {{
        let (name, value) = {runtime}::deserialize_tagged(deserializer, {tag:?})?;
        let read = match name.as_str() {{
{arms}        }};
        read.map_err({runtime}::serde::de::Error::custom)
    }}
}}
"
        );
        if !self.common.is_empty() {
            let _ = writeln!(text, "\nimpl {name} {{");
            for Field { name, ty, .. } in &self.common {
                let arms = self
                    .variants
                    .iter()
                    .map(|it| format!("Self::{}(it) => &it.{name}, ", it.name));
                let arms: String = arms.collect();
                let _ = writeln!(
                    text,
                    "    /// The field that every one has.\n    pub fn {name}(&self) -> &{ty} {{\n        match self {{ {arms}}}\n    }}"
                );
            }
            text.push_str("}\n");
        }
        text
    }
}
