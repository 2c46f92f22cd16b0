#!lua
-- Permits the first byte of an operation that waited, as domain/settlement.ts begin. Refused by a full Redis: no flags.
-- KEYS  1 record, 2 index of open records, 3 mark, 4 count of this process's claims
-- ARGV  1 owner, 2 leaseMs, 3 mark that must stand, 4 count that was acknowledged, 5 witnessMs
-- Returns { "begun", now, count }, { "lost", now }, { "store_lost", now } or { "unreadable", now }
local owner, leaseMs, mark, acknowledged, witnessMs = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
if not isOwnedBy(owner) then return { "lost", now } end
if not isContinued(mark, acknowledged) then return { "store_lost", now } end
setLease(EXECUTING, leaseMs)
countThis(witnessMs)
return { "begun", now, tostring(count) }
