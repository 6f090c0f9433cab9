//! A scaffold that the real crate replaces.

mod generated;

pub use {graphql_client, serde};

/// The schema.
pub const SCHEMA: &str = include_str!("../schema/identityx.graphql");

/// A moment.
pub type Date = serde_json::Value;
/// A JSON object.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;
/// Any JSON.
pub type Json = serde_json::Value;
/// The id of a record.
pub type ObjectId = String;
