//! Moments as milliseconds since 1970, rounded down.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::Expiry;

/// What lies beyond the range of 64 bits is brought to its end.
pub(super) fn to_millis(moment: SystemTime) -> i64 {
    match moment.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => {
            let millis = before.duration().as_nanos().div_ceil(1_000_000);
            i64::try_from(millis).map_or(i64::MIN, |it| -it)
        }
    }
}

/// 1970 for what this system's clock cannot represent.
pub(super) fn from_millis(millis: i64) -> SystemTime {
    represented(millis).unwrap_or(UNIX_EPOCH)
}

/// Never, if it is later than what this system's clock can represent.
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
