#!lua
-- KEYS  1 the secret of names
-- ARGV  1 what was read there, 2 what shall stand there instead
-- Returns { "replaced", now } or { "kept", now }: something else stands there
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return { "kept", now } end
redis.call("SET", KEYS[1], ARGV[2])
return { "replaced", now }
