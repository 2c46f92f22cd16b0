#!lua flags=allow-oom
-- Gives a turn back, or leaves the line.
-- KEYS  1 turn, 2 line
-- ARGV  1 owner
-- Returns { "left", now, owner }   the first in the line, where nobody holds the turn now
--         { "left", now }
local owner = ARGV[1]
dropFromLine(owner)
if holder == owner then
  redis.call("HDEL", KEYS[1], "holder", "name", "delete", "lease")
  holder = nil
end
local first = firstInLine()
if holder then return { "left", now } end
if first then return { "left", now, first } end
redis.call("DEL", KEYS[1], KEYS[2])
return { "left", now }
