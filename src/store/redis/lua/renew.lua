#!lua flags=allow-oom
-- Makes the lease longer, as domain/settlement.ts renew.
-- KEYS  1 record, 2 index of open records
-- ARGV  1 owner, 2 leaseMs
-- Returns { "renewed", now }, { "lost", now } or { "unreadable", now }
if not isOwnedBy(ARGV[1]) then return { "lost", now } end
setLease(record.state, tonumber(ARGV[2]))
return { "renewed", now }
