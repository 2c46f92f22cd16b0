#!lua flags=allow-oom
-- Ends an unknown by what a person or a probe found, as domain/settlement.ts resolve.
-- KEYS  1 record, 2 index of open records, 3 journal
-- ARGV  1 owner, 2 verdict (executed or not-executed), 3 note for the journal, 4 journalMs, 5 retentionMs, 6 answer
-- Returns { "resolved", now }   now, or by an earlier copy of this very resolution
--         { "absent", now }     no record stands
--         { "refused", now }    another operation's record, or not unknown any more
--         { "unreadable", now }
local owner, verdict, note, journalMs, retentionMs, answer = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if not record then return { "absent", now } end
if record.owner ~= owner then return { "refused", now } end

if record.state == COMPLETED and verdict == "executed" and redis.call("GETRANGE", KEYS[1], record.rest - 1, -1) == answer then
  return { "resolved", now }
end
if record.state ~= UNKNOWN then return { "refused", now } end

if verdict == "executed" then
  local value = headOf(COMPLETED, record.startedAt, owner, record.fingerprint, record.credential) .. answer
  redis.call("SET", KEYS[1], value, "PX", retentionMs)
else
  redis.call("DEL", KEYS[1])
end
listAs("absent")
redis.call("ZADD", KEYS[3], now, note)
redis.call("ZREMRANGEBYSCORE", KEYS[3], "-inf", now - journalMs)
return { "resolved", now }
