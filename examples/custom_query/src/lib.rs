//! GraphQL operations of a program's own, as `build.rs` generates them from `graphql/`.

include!(concat!(env!("OUT_DIR"), "/operations.rs"));
