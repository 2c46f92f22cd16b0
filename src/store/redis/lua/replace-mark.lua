#!lua flags=allow-oom
-- Changes the mark of one partition where it is still the one that was read.
-- KEYS  1 mark, 2 journal
-- ARGV  1 what was read, 2 what shall stand there, 3 note for the journal or nothing, 4 journalMs
-- Returns { "replaced", now } or { "kept", now }: something else stands there
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local from, to, note, journalMs = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if (redis.call("GET", KEYS[1]) or "") ~= from then return { "kept", now } end
redis.call("SET", KEYS[1], to)
if note ~= "" then
  redis.call("ZADD", KEYS[2], now, note)
  redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", now - journalMs)
end
return { "replaced", now }
