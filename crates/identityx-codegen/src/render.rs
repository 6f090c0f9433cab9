//! From the generator's tokens to the text of one module.
//!
//! The generator expects names from the parent module, and `serde` and `graphql_client` as
//! dependencies of the user. This module makes each generated module self-contained.

use proc_macro2::{Literal, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use std::collections::BTreeSet;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Fields, Item, ItemType, Path, Token, parse_quote};

use crate::secrets::SCALAR as SECRET;

/// Scalars for which the runtime crate has a type, by the generator's names. All others are JSON.
const SCALARS: [&str; 5] = ["Date", "Json", "JsonObject", "ObjectId", SECRET];

/// Derives that `SecretString` does not support.
const COMPARISONS: [&str; 5] = ["Eq", "Hash", "Ord", "PartialEq", "PartialOrd"];

/// What the text of a module needs besides the generated types.
pub(crate) struct Operation<'a> {
    /// As in the document.
    pub(crate) name: &'a str,
    pub(crate) type_name: &'a str,
    pub(crate) module: &'a str,
    pub(crate) query: &'a str,
    pub(crate) runtime: &'a Path,
}

/// The module's text, or the reason why it cannot be written.
pub(crate) fn module(tokens: TokenStream, operation: &Operation<'_>) -> Result<String, String> {
    for name in [operation.type_name, operation.module] {
        syn::parse_str::<syn::Ident>(name).map_err(|_| {
            format!(
                "`{}` cannot be an operation's name: `{name}` is not a Rust identifier",
                operation.name
            )
        })?;
    }
    let file: syn::File =
        syn::parse2(tokens).map_err(|error| format!("in `{}`: {error}", operation.name))?;
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

/// The formatted items, with an empty line between them: the formatter writes none.
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

/// The text as a raw string, which stays readable.
fn raw_string(text: &str) -> Result<Literal, String> {
    let mut fence = "#".to_owned();
    while text.contains(&format!("\"{fence}")) {
        fence.push('#');
    }
    format!("r{fence}\"{text}\"{fence}")
        .parse()
        .map_err(|_| "the document contains a character that a Rust raw string cannot".to_owned())
}

/// The generated types, without the items that the module does not use.
fn types(generated: Vec<Item>, runtime: &Path) -> Vec<Item> {
    let mut items: Vec<Item> = generated
        .into_iter()
        .filter(|item| match item {
            Item::Use(_) | Item::Const(_) => false,
            Item::Impl(block) => !block.items.is_empty(),
            _ => true,
        })
        .collect();
    // With Rust naming, the generator uses `Id` in inputs but defines only `ID`.
    items.insert(
        0,
        parse_quote!(
            type Id = String;
        ),
    );
    let holds_token = |derive| {
        items.iter().any(|item| {
            matches!(item, Item::Struct(item)
                if derives(&item.attrs, derive) && has_word(&item.fields, SECRET))
        })
    };
    let mut rewriter = Rewriter {
        runtime,
        token_in_variables: holds_token("Serialize"),
        token_in_response: holds_token("Deserialize"),
    };
    for item in &mut items {
        rewriter.visit_item_mut(item);
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

/// Refuses two items, or two fields, of one name: rustc's error would point at generated code.
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
                "in `{}` two types would have the name `{ident}`: rename a fragment, a field or \
                 the operation",
                operation.name
            ));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = members.into_iter().find(|member| !seen.insert(*member)) {
            return Err(format!(
                "in `{}` the type `{ident}` would have `{twice}` twice: give one of them an alias",
                operation.name
            ));
        }
    }
    Ok(())
}

/// Makes the paths in each item resolve, and adapts items to tokens.
struct Rewriter<'a> {
    runtime: &'a Path,
    token_in_variables: bool,
    token_in_response: bool,
}

impl Rewriter<'_> {
    fn attributes(&self, attributes: &mut Vec<Attribute>) {
        let serialises = derives(attributes, "Serialize");
        let deserialises = derives(attributes, "Deserialize");
        if !serialises && !deserialises {
            return;
        }
        if serialises && self.token_in_variables || deserialises && self.token_in_response {
            attributes.iter_mut().for_each(drop_comparisons);
        }
        attributes.retain(|attribute| {
            !(attribute.path().is_ident("serde") && has_word(attribute, "crate"))
        });
        let path = self.path("serde");
        let after_derive = 1.min(attributes.len());
        attributes.insert(after_derive, parse_quote!(#[serde(crate = #path)]));
    }

    fn fields(&self, attributes: &[Attribute], fields: &mut Fields) {
        let serialises = derives(attributes, "Serialize");
        for field in fields {
            if !serialises {
                field
                    .attrs
                    .retain(|attribute| !has_word(attribute, "skip_serializing_if"));
            } else if has_word(&field.ty, SECRET) {
                let path = self.path("serialize_secret");
                field
                    .attrs
                    .push(parse_quote!(#[serde(serialize_with = #path)]));
            }
        }
    }

    /// A path in the runtime crate, as serde's attributes take it.
    fn path(&self, name: &str) -> String {
        let runtime = self.runtime.to_token_stream().to_string();
        format!("{}::{name}", runtime.replace(' ', ""))
    }
}

impl VisitMut for Rewriter<'_> {
    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        self.attributes(&mut item.attrs);
        self.fields(&item.attrs, &mut item.fields);
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

fn drop_comparisons(attribute: &mut Attribute) {
    if let Ok(paths) = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated)
        && attribute.path().is_ident("derive")
    {
        let kept = paths.iter().filter(|path| {
            let last = path.segments.last();
            !last.is_some_and(|last| COMPARISONS.iter().any(|name| last.ident == name))
        });
        *attribute = parse_quote!(#[derive(#(#kept),*)]);
    }
}

fn derives(attributes: &[Attribute], name: &str) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("derive") && has_word(attribute, name))
}

fn has_word(tokens: &impl ToTokens, word: &str) -> bool {
    let mut names = BTreeSet::new();
    collect_names(tokens.to_token_stream(), &mut names);
    names.contains(word)
}
