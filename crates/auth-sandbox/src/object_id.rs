//! Ids as two vendors' stores make them. Decision: `EdgeIQ`'s have the same form as `IdentityX`'s.

use uuid::Uuid;

/// 24 random hexadecimal digits.
pub(crate) fn object_id() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(24);
    id
}
