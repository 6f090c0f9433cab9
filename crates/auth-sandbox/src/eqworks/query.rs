//! The parameters of a call: all are in the query.

use crate::request::Call;

use super::users::ATOM;

pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(call: &Call) -> Self {
        let query = call.uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// A parameter that is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let (_, value) = pairs.find(|(key, value)| key == name && !value.is_empty())?;
        Some(value)
    }

    /// Whether any parameter is given twice. To the vendor it is a list then, and the call fails.
    pub(super) fn has_a_list(&self) -> bool {
        let names = self.0.iter().map(|(name, _)| name).enumerate();
        names
            .into_iter()
            .any(|(at, name)| self.0[..at].iter().any(|(earlier, _)| earlier == name))
    }

    /// Whether a switch such as `light=1` is on. Decision: `true` in any case switches it on, as
    /// `TRUE` was seen to do.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|it| it == "1" || it.eq_ignore_ascii_case("true"))
    }

    /// The product, which is `atom` unless it is given.
    pub(super) fn product(&self) -> String {
        self.get("product").unwrap_or(ATOM).to_lowercase()
    }
}
