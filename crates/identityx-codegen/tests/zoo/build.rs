//! Generates the zoo's operations, with derives by which the tests write answers again and read variables.

use identityx_codegen::{Build, Options};

fn main() {
    let [read, write] = ["Deserialize", "Serialize"]
        .map(|name| format!("Clone, Debug, PartialEq, ::identityx_auth::graphql::serde::{name}"));
    let options = Options::new()
        .response_derives(write)
        .variables_derives(read)
        .scalar("Upload", "::identityx_auth::graphql::Json");
    Build::new("operations")
        .schema("zoo.graphql")
        .options(options)
        .run();
}
