#!lua flags=allow-oom
-- Keeps the upstream's answer, as domain/settlement.ts complete: the truth, however late.
-- KEYS  1 record, 2 index of open records
-- ARGV  1 owner, 2 fingerprint, 3 credential, 4 startedAt, 5 retentionMs, 6 answer
-- Returns { "completed", now }
--         { "recreated", now }   the record was lost; it is written again
--         { "refused", now }     another owner's, or never begun
--         { "unreadable", now }
local owner, fingerprint, credential, retentionMs, answer = ARGV[1], ARGV[2], ARGV[3], ARGV[5], ARGV[6]
if record and (record.owner ~= owner or record.state == CLAIMED) then return { "refused", now } end

local startedAt = record and record.startedAt or tonumber(ARGV[4])
local value = headOf(COMPLETED, startedAt, owner, fingerprint, credential) .. answer
redis.call("SET", KEYS[1], value, "PX", retentionMs)
listAs(COMPLETED)
return { record and "completed" or "recreated", now }
