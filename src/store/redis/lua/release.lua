#!lua flags=allow-oom
-- Frees the key of an operation that did not execute, as domain/settlement.ts release.
-- KEYS  1 record, 2 index of open records
-- ARGV  1 owner
-- Returns { "released", now }   also where no record stands
--         { "refused", now }    another owner's, or completed
--         { "unreadable", now }
if record and (record.owner ~= ARGV[1] or record.state == COMPLETED) then return { "refused", now } end
redis.call("DEL", KEYS[1])
listAs("absent")
return { "released", now }
