//! From the generator's tokens to the text of one module.
//!
//! The generator writes for its own conventions: names that resolve in the module above, `serde`
//! and `graphql_client` as dependencies of the user. Here each module is made to stand on its own.

use proc_macro2::{Literal, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use std::collections::BTreeSet;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Field, Item, ItemType, parse_quote};

/// Scalars that the runtime crate has a type for, by the generator's names; all others are JSON.
const SCALARS: [&str; 4] = ["Date", "Json", "JsonObject", "ObjectId"];

/// What the text of a module needs beside the generated types.
pub(crate) struct Operation<'a> {
    /// As the document says it.
    pub(crate) name: &'a str,
    pub(crate) type_name: &'a str,
    pub(crate) module: &'a str,
    pub(crate) query: &'a str,
    pub(crate) runtime: &'a syn::Path,
}

/// The module's text, or why there is none.
pub(crate) fn module(tokens: TokenStream, operation: &Operation<'_>) -> Result<String, String> {
    for name in [operation.type_name, operation.module] {
        syn::parse_str::<syn::Ident>(name).map_err(|_| {
            format!(
                "`{}` cannot be an operation's name: `{name}` is not a name in Rust",
                operation.name
            )
        })?;
    }
    let file: syn::File =
        syn::parse2(tokens).map_err(|error| format!("at `{}`: {error}", operation.name))?;
    let generated = file
        .items
        .into_iter()
        .find_map(|item| match item {
            Item::Mod(module) => Some(module.content?.1),
            _ => None,
        })
        .ok_or_else(|| format!("no module for `{}`", operation.name))?;
    let mut items = head(operation)?;
    items.extend(types(generated, operation.runtime));
    refuse_clashes(&items, operation)?;
    Ok(text(items))
}

/// The items with an empty line between them, which the printer leaves out.
fn text(items: Vec<Item>) -> String {
    let mut text = String::new();
    let mut before = None;
    for item in items {
        let kind = std::mem::discriminant(&item);
        let is_short = matches!(item, Item::Type(_) | Item::Const(_));
        if !(text.is_empty() || is_short && before == Some(kind)) {
            text.push('\n');
        }
        before = Some(kind);
        text.push_str(&prettyplease::unparse(&syn::File {
            shebang: None,
            attrs: Vec::new(),
            items: vec![item],
        }));
    }
    text
}

/// The operation's own items.
fn head(operation: &Operation<'_>) -> Result<Vec<Item>, String> {
    let Operation { name, runtime, .. } = operation;
    let type_name = format_ident!("{}", operation.type_name);
    let query = raw_string(operation.query.trim_end())?;
    let doc = format!(" The operation `{name}`.");
    let file: syn::File = parse_quote! {
        use #runtime::serde::{Deserialize, Serialize};

        #[doc = #doc]
        #[derive(Clone, Copy, Debug)]
        pub struct #type_name;

        impl #runtime::graphql_client::GraphQLQuery for #type_name {
            type Variables = Variables;
            type ResponseData = ResponseData;

            fn build_query(
                variables: Variables,
            ) -> #runtime::graphql_client::QueryBody<Variables> {
                #runtime::graphql_client::QueryBody {
                    variables,
                    query: QUERY,
                    operation_name: OPERATION_NAME,
                }
            }
        }

        /// The operation's name.
        pub const OPERATION_NAME: &str = #name;
        /// The document that is sent.
        pub const QUERY: &str = #query;
    };
    Ok(file.items)
}

/// The text as a literal that people can read.
fn raw_string(text: &str) -> Result<Literal, String> {
    let mut fence = "#".to_owned();
    while text.contains(&format!("\"{fence}")) {
        fence.push('#');
    }
    format!("r{fence}\"{text}\"{fence}")
        .parse()
        .map_err(|_| "the document holds a character that a string of Rust cannot".to_owned())
}

/// The generated types, without what the module does not use.
fn types(generated: Vec<Item>, runtime: &syn::Path) -> Vec<Item> {
    let mut items: Vec<Item> = generated
        .into_iter()
        .filter(|item| match item {
            Item::Use(_) | Item::Const(_) => false,
            Item::Impl(block) => !block.items.is_empty(),
            _ => true,
        })
        .collect();
    // Rust normalisation calls the built-in scalar so in inputs, and defines only `ID`.
    items.insert(
        0,
        parse_quote!(
            type Id = String;
        ),
    );
    let mut mend = Mend { runtime };
    for item in &mut items {
        mend.visit_item_mut(item);
    }
    let (aliases, rest): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| {
        matches!(
            item,
            Item::Type(ItemType {
                vis: syn::Visibility::Inherited,
                ..
            })
        )
    });
    let mut names = BTreeSet::new();
    for item in &rest {
        collect_names(item.to_token_stream(), &mut names);
    }
    let mut kept: Vec<Item> = aliases
        .into_iter()
        .filter(|item| match item {
            Item::Type(alias) => names.contains(&alias.ident.to_string()),
            _ => true,
        })
        .map(|mut item| {
            if let Item::Type(alias) = &mut item {
                alias.attrs.clear();
            }
            item
        })
        .collect();
    kept.extend(rest);
    kept
}

fn collect_names(tokens: TokenStream, names: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                names.insert(ident.to_string());
            }
            TokenTree::Group(group) => collect_names(group.stream(), names),
            _ => {}
        }
    }
}

/// Two items, or two fields, of one name: rustc would say so, in a file that nobody wrote.
fn refuse_clashes(items: &[Item], operation: &Operation<'_>) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for item in items {
        let (ident, members): (_, Vec<_>) = match item {
            Item::Struct(item) => (
                &item.ident,
                item.fields
                    .iter()
                    .filter_map(|field| field.ident.as_ref())
                    .collect(),
            ),
            Item::Enum(item) => (
                &item.ident,
                item.variants.iter().map(|variant| &variant.ident).collect(),
            ),
            Item::Type(item) => (&item.ident, Vec::new()),
            _ => continue,
        };
        if !names.insert(ident) {
            return Err(format!(
                "in `{}` two types would be called `{ident}`; rename a fragment, a field or the \
                 operation",
                operation.name
            ));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = members.into_iter().find(|member| !seen.insert(*member)) {
            return Err(format!(
                "in `{}` the type `{ident}` would have `{twice}` twice; give one of them an alias",
                operation.name
            ));
        }
    }
    Ok(())
}

/// Makes each item find what it names.
struct Mend<'a> {
    runtime: &'a syn::Path,
}

impl Mend<'_> {
    fn attributes(&self, attributes: &mut Vec<Attribute>) {
        let derives = |name: &str| {
            attributes
                .iter()
                .any(|attribute| attribute.path().is_ident("derive") && has_word(attribute, name))
        };
        let serialises = derives("Serialize");
        if !serialises && !derives("Deserialize") {
            return;
        }
        attributes.retain(|attribute| {
            !(attribute.path().is_ident("serde") && has_word(attribute, "crate"))
        });
        let runtime = self.runtime;
        let path = quote!(#runtime::serde).to_string().replace(' ', "");
        let after_derive = 1.min(attributes.len());
        attributes.insert(after_derive, parse_quote!(#[serde(crate = #path)]));
    }

    fn fields(attributes: &[Attribute], fields: &mut syn::Fields) {
        if attributes
            .iter()
            .any(|attribute| has_word(attribute, "Serialize"))
        {
            return;
        }
        for Field { attrs, .. } in fields {
            attrs.retain(|attribute| !has_word(attribute, "skip_serializing_if"));
        }
    }
}

impl VisitMut for Mend<'_> {
    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        self.attributes(&mut item.attrs);
        Self::fields(&item.attrs, &mut item.fields);
        visit_mut::visit_item_struct_mut(self, item);
    }

    fn visit_item_enum_mut(&mut self, item: &mut syn::ItemEnum) {
        self.attributes(&mut item.attrs);
        visit_mut::visit_item_enum_mut(self, item);
    }

    fn visit_item_type_mut(&mut self, item: &mut ItemType) {
        let runtime = self.runtime;
        let name = &item.ident;
        let is_scalar =
            quote!(#runtime::#name).to_string() == item.ty.to_token_stream().to_string();
        if is_scalar && !SCALARS.iter().any(|known| name == known) {
            *item.ty = parse_quote!(#runtime::Json);
        }
    }
}

fn has_word(attribute: &Attribute, word: &str) -> bool {
    let mut names = BTreeSet::new();
    collect_names(attribute.to_token_stream(), &mut names);
    names.contains(word)
}
