//! The steps that must be atomic on the server, in Lua.
//!
//! Each script can run again after its reply was lost, and then returns the same reply.

use std::sync::LazyLock;

use redis::Script;

/// `KEYS`: the token. `ARGV`: the generation, the record, the record that it may replace, the time to
/// live in ms (empty: forever), the channel.
///
/// Returns 1 if the record is saved, 2 if it is saved and the user may not publish that, and 0 if a
/// later generation is kept. If another record than the expected one is held, it returns that record. The caller decides, because the server cannot read
/// it.
///
/// Generations have 20 digits, so that they can be compared as texts. Lua's numbers are exact to 53
/// bits only.
pub(super) static SAVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local held = redis.call('HMGET', KEYS[1], 'generation', 'record')
         if redis.call('EXISTS', KEYS[1]) == 1 then
           if not held[1] or #held[1] ~= 20 or not held[2] then
             return redis.error_reply('FOREIGN entry')
           end
           if held[1] > ARGV[1] then return 0 end
           if held[2] ~= ARGV[3] then return held[2] end
         end
         redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'record', ARGV[2])
         if ARGV[4] == '' then
           redis.call('PERSIST', KEYS[1])
         else
           redis.call('PEXPIRE', KEYS[1], ARGV[4])
         end
         local told = redis.pcall('PUBLISH', ARGV[5], ARGV[1])
         if type(told) == 'table' and told.err then return 2 end
         return 1",
    )
});

/// `KEYS`: the lease, the fence, the holder, the token. `ARGV`: the owner, the lease's time in ms,
/// the time in ms for which the fence and the holder are kept.
///
/// Returns `{1, fence, whether the previous holder did not give the lease back}`, or `{0, ms left}`.
///
/// The fence is raised above the generation of the token. Log-ins increment generations without a
/// lease, and a fence below the generation would keep no worker out.
pub(super) static ACQUIRE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local owner = redis.call('GET', KEYS[1])
         if owner and owner ~= ARGV[1] then return {0, redis.call('PTTL', KEYS[1])} end
         local holder = redis.call('GET', KEYS[3])
         redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
         if owner then
           local fence = tonumber(redis.call('GET', KEYS[2]) or '0')
           return {1, fence, tonumber(string.sub(holder or '0', -1))}
         end
         local fence = redis.call('INCR', KEYS[2])
         local generation = tonumber(redis.call('HGET', KEYS[4], 'generation') or '0') or 0
         if generation >= fence and generation < 9007199254740991 then
           fence = generation + 1
           redis.call('SET', KEYS[2], string.format('%.0f', fence))
         end
         redis.call('PEXPIRE', KEYS[2], ARGV[3])
         local abandoned = holder and 1 or 0
         redis.call('SET', KEYS[3], ARGV[1] .. ':' .. abandoned, 'PX', ARGV[3])
         return {1, fence, abandoned}",
    )
});

/// `KEYS`: the lease, the holder. `ARGV`: the owner, the lease's time in ms.
///
/// Returns 1 if the owner has the lease for that time from now. A lease that has expired is taken
/// again if no other worker had it meanwhile.
pub(super) static EXTEND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local owner = redis.call('GET', KEYS[1])
         local holder = redis.call('GET', KEYS[2])
         local is_last = holder and string.sub(holder, 1, -3) == ARGV[1]
         if owner == ARGV[1] or (not owner and is_last) then
           redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
           return 1
         end
         return 0",
    )
});

/// `KEYS`: the lease, the holder. `ARGV`: the owner, and how the lease ended: `done`, `dropped` while
/// the owner had it, or `unheld` if the owner never learned that it had the lease.
///
/// Returns 0 if another worker has the lease, and leaves it to that one. A dropped lease counts as
/// abandoned. An unheld lease does not change whether the one before was abandoned.
pub(super) static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local holder = redis.call('GET', KEYS[2])
         if holder and string.sub(holder, 1, -3) == ARGV[1] then
           local was_abandoned = string.sub(holder, -1) == '1'
           if ARGV[2] == 'done' or (ARGV[2] == 'unheld' and not was_abandoned) then
             redis.call('DEL', KEYS[2])
           end
         end
         local owner = redis.call('GET', KEYS[1])
         if owner and owner ~= ARGV[1] then return 0 end
         redis.call('DEL', KEYS[1])
         return 1",
    )
});
