#!lua
-- Permits the first byte of an operation that waited, as domain/settlement.ts begin. Refused by a full Redis: no flags.
-- KEYS  1 record, 2 index of open records
-- ARGV  1 owner, 2 leaseMs
-- Returns { "begun", now }, { "lost", now } or { "unreadable", now }
if not isOwnedBy(ARGV[1]) then return { "lost", now } end
setLease(EXECUTING, now + tonumber(ARGV[2]))
return { "begun", now }
