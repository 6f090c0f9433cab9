//! Ids as two vendors' stores make them. At `EdgeIQ` that is ours.

use uuid::Uuid;

/// 24 hexadecimal digits that nobody can guess.
pub(crate) fn object_id() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(24);
    id
}
