//! Converts an introspection result to SDL.

use std::fmt::Write;

use serde::Deserialize;

const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

#[derive(Deserialize)]
struct Response {
    data: Option<Data>,
    #[serde(rename = "__schema")]
    schema: Option<Schema>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "__schema")]
    schema: Schema,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    query_type: Option<Named>,
    mutation_type: Option<Named>,
    subscription_type: Option<Named>,
    types: Vec<Type>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    kind: String,
    name: String,
    fields: Option<Vec<Field>>,
    input_fields: Option<Vec<Input>>,
    interfaces: Option<Vec<Named>>,
    enum_values: Option<Vec<Value>>,
    possible_types: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    #[serde(default)]
    args: Vec<Input>,
    r#type: Reference,
    #[serde(flatten)]
    deprecation: Deprecation,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    name: String,
    r#type: Reference,
    default_value: Option<String>,
    #[serde(flatten)]
    deprecation: Deprecation,
}

#[derive(Deserialize)]
struct Value {
    name: String,
    #[serde(flatten)]
    deprecation: Deprecation,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deprecation {
    #[serde(default)]
    is_deprecated: bool,
    deprecation_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    kind: String,
    name: Option<String>,
    of_type: Option<Box<Reference>>,
}

/// Whether the text is JSON. SDL never begins with a brace.
pub(crate) fn is_json(text: &str) -> bool {
    text.trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('{')
}

/// The schema as SDL without descriptions, or the reason why there is none.
pub(crate) fn to_sdl(json: &str) -> Result<String, String> {
    let json = json.trim_start_matches('\u{feff}');
    let response: Response = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let schema = response
        .data
        .map(|data| data.schema)
        .or(response.schema)
        .ok_or("`__schema` is missing")?;
    let mut sdl = String::from("schema {\n");
    for (operation, root) in [
        ("query", &schema.query_type),
        ("mutation", &schema.mutation_type),
        ("subscription", &schema.subscription_type),
    ] {
        if let Some(root) = root {
            line(&mut sdl, format_args!("  {operation}: {}", root.name));
        }
    }
    sdl.push_str("}\n");
    for definition in &schema.types {
        let is_built_in =
            definition.name.starts_with("__") || BUILT_IN.contains(&definition.name.as_str());
        if !is_built_in {
            define(&mut sdl, definition)?;
        }
    }
    Ok(sdl)
}

fn define(sdl: &mut String, definition: &Type) -> Result<(), String> {
    let name = &definition.name;
    sdl.push('\n');
    match definition.kind.as_str() {
        "SCALAR" => line(sdl, format_args!("scalar {name}")),
        "UNION" => {
            let members = joined(definition.possible_types.as_deref(), " | ");
            line(sdl, format_args!("union {name} = {members}"));
        }
        "ENUM" => {
            line(sdl, format_args!("enum {name} {{"));
            for value in definition.enum_values.iter().flatten() {
                let deprecated = deprecated(&value.deprecation);
                line(sdl, format_args!("  {}{deprecated}", value.name));
            }
            sdl.push_str("}\n");
        }
        "INPUT_OBJECT" => {
            line(sdl, format_args!("input {name} {{"));
            for field in definition.input_fields.iter().flatten() {
                line(sdl, format_args!("  {}", input(field)?));
            }
            sdl.push_str("}\n");
        }
        kind @ ("OBJECT" | "INTERFACE") => {
            let word = if kind == "OBJECT" {
                "type"
            } else {
                "interface"
            };
            let interfaces = joined(definition.interfaces.as_deref(), " & ");
            let implements = if interfaces.is_empty() {
                ""
            } else {
                " implements "
            };
            line(
                sdl,
                format_args!("{word} {name}{implements}{interfaces} {{"),
            );
            for field in definition.fields.iter().flatten() {
                let arguments: Vec<_> = field.args.iter().map(input).collect::<Result<_, _>>()?;
                let arguments = if arguments.is_empty() {
                    String::new()
                } else {
                    format!("({})", arguments.join(", "))
                };
                line(
                    sdl,
                    format_args!(
                        "  {}{arguments}: {}{}",
                        field.name,
                        reference(&field.r#type)?,
                        deprecated(&field.deprecation)
                    ),
                );
            }
            sdl.push_str("}\n");
        }
        other => return Err(format!("`{name}` has the unknown kind `{other}`")),
    }
    Ok(())
}

fn line(sdl: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(sdl, "{text}");
}

fn joined(names: Option<&[Named]>, separator: &str) -> String {
    let names: Vec<_> = names.into_iter().flatten().map(|it| &*it.name).collect();
    names.join(separator)
}

fn input(input: &Input) -> Result<String, String> {
    let default = input
        .default_value
        .as_ref()
        .map(|value| format!(" = {value}"))
        .unwrap_or_default();
    Ok(format!(
        "{}: {}{default}{}",
        input.name,
        reference(&input.r#type)?,
        deprecated(&input.deprecation)
    ))
}

fn reference(reference: &Reference) -> Result<String, String> {
    let inner = || {
        let inner = reference.of_type.as_deref();
        self::reference(
            inner.ok_or("a type is nested deeper than the introspection query asks for")?,
        )
    };
    match reference.kind.as_str() {
        "NON_NULL" => Ok(format!("{}!", inner()?)),
        "LIST" => Ok(format!("[{}]", inner()?)),
        _ => Ok(reference.name.clone().ok_or("a type has no name")?),
    }
}

fn deprecated(deprecation: &Deprecation) -> String {
    if !deprecation.is_deprecated {
        return String::new();
    }
    deprecation.deprecation_reason.as_ref().map_or_else(
        || " @deprecated".to_owned(),
        // A JSON string is a valid GraphQL string.
        |reason| {
            format!(
                " @deprecated(reason: {})",
                serde_json::Value::from(reason.as_str())
            )
        },
    )
}
