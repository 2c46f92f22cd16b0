#!lua flags=allow-oom
-- How long an original is kept from now on.
-- KEYS  1 original
-- ARGV  1 own (owner, 16 bytes, then name), 2 keepMs; 0 removes it
-- Returns { "kept", now }   also where another one stands, or none: nothing changes then
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call("GET", KEYS[1]) == ARGV[1] then redis.call("PEXPIRE", KEYS[1], ARGV[2]) end
return { "kept", now }
