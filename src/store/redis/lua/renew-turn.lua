#!lua flags=allow-oom
-- Makes the lease of a turn longer, as domain/turn.ts renewTurn.
-- KEYS  1 turn, 2 line
-- ARGV  1 owner, 2 leaseMs, 3 keepMs
-- Returns { "renewed", now } or { "lost", now }
if holder ~= ARGV[1] or not isGood(lease) then return { "lost", now } end
redis.call("HSET", KEYS[1], "lease", leaseOf(tonumber(ARGV[2])))
redis.call("PEXPIRE", KEYS[1], ARGV[3])
return { "renewed", now }
