#!lua flags=allow-oom
-- Writes down that nobody can tell whether it executed, as domain/settlement.ts hold. Its expiry stays the claim's.
-- KEYS  1 record, 2 index of open records
-- ARGV  1 owner, 2 reason
-- Returns { "held", now }
--         { "refused", now }   another owner's, not begun, settled already or gone
--         { "unreadable", now }
if not record or record.owner ~= ARGV[1] then return { "refused", now } end
if record.state ~= EXECUTING and record.state ~= UNKNOWN then return { "refused", now } end

local value = headOf(UNKNOWN, record.startedAt, record.owner, record.fingerprint, record.credential) .. ARGV[2]
redis.call("SET", KEYS[1], value, "KEEPTTL")
listAs(UNKNOWN)
return { "held", now }
