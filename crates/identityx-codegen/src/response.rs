//! The types of an operation's answer, from its merged selection sets.

use std::collections::HashMap;

use apollo_compiler::ast::Type;
use apollo_compiler::executable::{Operation, SelectionSet};
use apollo_compiler::parser::SourceSpan;

use crate::error::Problem;
use crate::merge::{Conditions, Merged, Merger, Part, Target, TooLarge};
use crate::names::{Names, field_name, type_name};
use crate::operation::{Types, deprecated, wrapped};
use crate::secrets;
use crate::structure::{Field, Secrecy, Side};
use crate::variants::{Enum, Variant};

/// `serde_json` reads 128 levels; some are for what surrounds the data.
const DEPTH: usize = 100;

/// How many fields an operation's types may have.
const FIELDS: usize = 50_000;

/// A type that was made for a selection set.
enum Made {
    Struct {
        name: String,
        doc: String,
        fields: Vec<Field>,
    },
    Enum(Enum),
}

pub(crate) struct Response<'a> {
    types: Types<'a>,
    merger: Merger<'a>,
    marker: String,
    /// In the order of their places in the answer; `None` while its fields are being made.
    made: Vec<Option<Made>>,
    /// The types of fragments that are the only selection of a field, by the field's type, each with
    /// its levels.
    fragments: HashMap<(&'a str, &'a str), (String, usize)>,
    left: usize,
    depth: usize,
    deepest: usize,
}

impl<'a> Response<'a> {
    pub(crate) fn new(types: Types<'a>, marker: &str) -> Self {
        let source = types.source;
        Self {
            merger: Merger::new(source.schema, source.document, source.implementers),
            types,
            marker: marker.to_owned(),
            made: Vec::new(),
            fragments: HashMap::new(),
            left: FIELDS,
            depth: 0,
            deepest: 0,
        }
    }

    /// Makes the types of all data.
    pub(crate) fn data(&mut self, operation: &'a Operation) -> Result<(), Box<Problem>> {
        let set = &operation.selection_set;
        let parts = [Part {
            set,
            conditions: Conditions::new(),
        }];
        let at = operation
            .name
            .as_ref()
            .and_then(apollo_compiler::Name::location);
        let target = Target::Object(&set.ty);
        let fields = self.merge(&parts, target, at)?;
        let prefix = self.marker.clone();
        self.structure(
            "ResponseData".to_owned(),
            &prefix,
            &fields,
            target,
            &Conditions::new(),
        )?;
        Ok(())
    }

    /// The texts of the types.
    pub(crate) fn finish(self) -> (Types<'a>, Vec<String>) {
        let made: Vec<_> = self.made.into_iter().flatten().collect();
        let mut structs = made.iter().filter_map(|made| match made {
            Made::Struct { fields, .. } => Some(fields),
            Made::Enum(_) => None,
        });
        let has_secret = structs.any(|fields| fields.iter().any(|it| it.secrecy == Secrecy::Text));
        let style = self.types.style(Side::Response, has_secret);
        let texts = made.iter().map(|made| match made {
            Made::Struct { name, doc, fields } => style.structure(name, doc, fields),
            Made::Enum(made) => made.text(&style),
        });
        let texts = texts.collect();
        (self.types, texts)
    }

    fn merge(
        &mut self,
        parts: &[Part<'a>],
        target: Target<'a>,
        at: Option<SourceSpan>,
    ) -> Result<Vec<Merged<'a>>, Box<Problem>> {
        let fields = self.merger.fields(parts, target);
        fields.map_err(|TooLarge| self.too_large(at))
    }

    fn too_large(&self, at: Option<SourceSpan>) -> Box<Problem> {
        let reason = "the operation has too many fields once its fragments are merged";
        self.problem(at, reason, "split it into several operations")
    }

    fn problem(
        &self,
        at: Option<SourceSpan>,
        reason: impl Into<String>,
        help: &str,
    ) -> Box<Problem> {
        let source = self.types.source;
        let problem = Problem::at(&source.document.sources, at, source.text.name(), reason);
        Box::new(problem.with_help(help))
    }

    /// Makes a struct of this name. The types of its fields have names that begin with `prefix`.
    fn structure(
        &mut self,
        name: String,
        prefix: &str,
        merged: &[Merged<'a>],
        target: Target<'a>,
        known: &Conditions,
    ) -> Result<Vec<Field>, Box<Problem>> {
        let place = self.made.len();
        self.made.push(None);
        self.left = self.left.checked_sub(merged.len()).ok_or_else(|| {
            let at = merged.first().and_then(|field| field.first().location());
            self.too_large(at)
        })?;
        let (Target::Object(parent) | Target::New(parent)) = target;
        let mut scope = Names::default();
        let mut fields = Vec::new();
        for field in merged {
            let first = field.first();
            let definition = self.merger.definition(target, first);
            let (ty, deprecated) = (definition.ty.clone(), deprecated(&definition.directives));
            let inner = definition.ty.inner_named_type().as_str();
            let more = &self.types.source.settings.secrets;
            let is_secret = secrets::is_secret(parent, &first.name, more)
                || secrets::is_secret(parent, field.key, more);
            let mut secrecy = self.types.secrecy(is_secret, inner);
            if first.name == "__typename" {
                secrecy = Secrecy::Plain;
            }
            let named = if first.selection_set.is_empty() {
                self.types.named(inner, secrecy)
            } else {
                self.composite(prefix, field, inner, &ty, known)?
            };
            let is_certain = field.is_certain(known);
            let whole = if is_certain {
                ty.clone()
            } else {
                ty.clone().nullable()
            };
            fields.push(Field {
                key: field.key.to_string(),
                name: scope.claim(field_name(field.key)),
                ty: wrapped(&whole, &named),
                optional: !whole.is_non_null(),
                secrecy,
                is_id: inner == "ID" && !self.types.source.settings.scalars.contains_key("ID"),
                deprecated,
            });
        }
        let doc = match target {
            Target::Object(parent) => format!("Fields of `{parent}`."),
            Target::New(parent) => format!("Fields of any `{parent}`."),
        };
        self.made[place] = Some(Made::Struct {
            name,
            doc,
            fields: fields.clone(),
        });
        Ok(fields)
    }

    /// The type of a field with a selection set.
    fn composite(
        &mut self,
        prefix: &str,
        field: &Merged<'a>,
        inner: &'a str,
        ty: &Type,
        known: &Conditions,
    ) -> Result<String, Box<Problem>> {
        let at = field.first().location();
        let levels = 1 + lists(ty);
        self.depth += levels;
        self.deepest = self.deepest.max(self.depth);
        let fragment = field.only_spread().and_then(|name| {
            let (name, fragment) = self.merger.document.fragments.get_key_value(name)?;
            Some((name.as_str(), fragment))
        });
        let name = if let Some((fragment, definition)) = fragment {
            self.fragment(fragment, &definition.selection_set, inner, at)?
        } else {
            let name = self
                .types
                .names
                .claim(format!("{prefix}{}", type_name(field.key)));
            self.selection(&name, inner, &field.parts(), at, &field.known(known))?;
            name
        };
        if self.deepest > DEPTH {
            let reason = format!("the answer has more than {DEPTH} levels");
            return Err(self.problem(at, reason, "ask for less depth"));
        }
        self.depth -= levels;
        Ok(name)
    }

    /// The type of a fragment that is the only selection of a field: all such fields share it.
    fn fragment(
        &mut self,
        fragment: &'a str,
        set: &'a SelectionSet,
        of: &'a str,
        at: Option<SourceSpan>,
    ) -> Result<String, Box<Problem>> {
        if let Some((name, levels)) = self.fragments.get(&(fragment, of)) {
            self.deepest = self.deepest.max(self.depth + levels);
            return Ok(name.clone());
        }
        let suffix = if set.ty == of {
            String::new()
        } else {
            format!("On{}", type_name(of))
        };
        let name = self.types.names.claim(type_name(fragment) + &suffix);
        let before = std::mem::replace(&mut self.deepest, self.depth);
        // Without what is known of the variables in the first of its places.
        let parts = [Part {
            set,
            conditions: Conditions::new(),
        }];
        self.selection(&name, of, &parts, at, &Conditions::new())?;
        let levels = self.deepest - self.depth;
        self.deepest = self.deepest.max(before);
        self.fragments
            .insert((fragment, of), (name.clone(), levels));
        Ok(name)
    }

    /// Makes the type of a merged selection set: a struct, or an enum where it depends on the type
    /// of the object.
    fn selection(
        &mut self,
        name: &str,
        of: &'a str,
        parts: &[Part<'a>],
        at: Option<SourceSpan>,
        known: &Conditions,
    ) -> Result<(), Box<Problem>> {
        let Some(members) = self.merger.members(of) else {
            let target = Target::Object(of);
            let fields = self.merge(parts, target, at)?;
            self.structure(name.to_owned(), name, &fields, target, known)?;
            return Ok(());
        };
        let common = self.merge(parts, Target::New(of), at)?;
        let mut own = Vec::new();
        for member in &members {
            let fields = self.merge(parts, Target::Object(member), at)?;
            let is_common = fields.len() == common.len()
                && fields.iter().zip(&common).all(|(one, other)| one.is(other));
            own.push((!is_common).then_some(fields));
        }
        if own.iter().all(Option::is_none) {
            self.structure(name.to_owned(), name, &common, Target::New(of), known)?;
            return Ok(());
        }
        let tag = common
            .iter()
            .find(|it| it.first().name == "__typename" && it.is_certain(known));
        let Some(tag) = tag else {
            let reason = format!(
                "what is selected depends on which `{of}` it is, and the answer does not say that"
            );
            let help = "add `__typename` to this selection, outside of fragments on its types";
            return Err(self.problem(at, reason, help));
        };
        let tag = tag.key.to_string();
        let place = self.made.len();
        self.made.push(None);
        let mut scope = Names::default();
        let unknown = Variant {
            of: None,
            name: scope.claim("Unknown".to_owned()),
            ty: self.types.names.claim(format!("{name}Unknown")),
        };
        let fields = self.structure(
            unknown.ty.clone(),
            &unknown.ty,
            &common,
            Target::New(of),
            known,
        )?;
        let mut common = fields;
        let mut variants = Vec::new();
        for (member, own) in members.into_iter().zip(own) {
            let mut ty = unknown.ty.clone();
            if let Some(own) = own {
                ty = self
                    .types
                    .names
                    .claim(format!("{name}On{}", type_name(member)));
                let target = Target::Object(member);
                let fields = self.structure(ty.clone(), &ty, &own, target, known)?;
                common.retain(|it| {
                    fields.iter().any(|other| {
                        (&it.key, &it.name, &it.ty) == (&other.key, &other.name, &other.ty)
                    })
                });
            }
            let of = Some(member.to_string());
            variants.push(Variant {
                of,
                name: scope.claim(type_name(member)),
                ty,
            });
        }
        variants.push(unknown);
        let (name, of) = (name.to_owned(), of.to_owned());
        self.made[place] = Some(Made::Enum(Enum {
            name,
            of,
            tag,
            variants,
            common,
        }));
        Ok(())
    }
}

fn lists(ty: &Type) -> usize {
    match ty {
        Type::Named(_) | Type::NonNullNamed(_) => 0,
        Type::List(item) | Type::NonNullList(item) => 1 + lists(item),
    }
}
