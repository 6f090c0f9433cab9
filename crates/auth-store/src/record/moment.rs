//! Moments as milliseconds since 1970, rounded down.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::Expiry;

/// A moment beyond the range of 64 bits becomes the end of that range.
pub(super) fn to_millis(moment: SystemTime) -> i64 {
    match moment.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => {
            let millis = before.duration().as_nanos().div_ceil(1_000_000);
            i64::try_from(millis).map_or(i64::MIN, |it| -it)
        }
    }
}

/// 1970, if this system's clock cannot represent the moment.
pub(super) fn from_millis(millis: i64) -> SystemTime {
    represented(millis).unwrap_or(UNIX_EPOCH)
}

/// Never, if the moment is later than this system's clock can represent.
pub(super) fn expiry(millis: i64) -> Expiry {
    match represented(millis) {
        None if millis > 0 => Expiry::Never,
        moment => Expiry::At(moment.unwrap_or(UNIX_EPOCH)),
    }
}

fn represented(millis: i64) -> Option<SystemTime> {
    let distance = Duration::from_millis(millis.unsigned_abs());
    if millis < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    }
}
