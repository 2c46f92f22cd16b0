#!lua
-- Makes an operation the original of its likeness, as domain/original.ts stand. Refused by a full Redis: no flags.
-- KEYS  1 original, 2 index of open records (unused), 3 mark, 4 count of this process's claims
-- ARGV  1 own (owner, 16 bytes, then name), 2 instead of whom (the same; empty: nobody), 3 keepMs, 4 mark that must stand,
--       5 count that was acknowledged, 6 witnessMs
-- Returns { "stands", now, count }
--         { "taken", now, original }
--         { "store_lost", now }   nothing written: the mark is another one, or counted claims are gone
local own, instead, keepMs, mark, acknowledged, witnessMs = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local current = redis.call("GET", KEYS[1])
if current and current ~= own and current ~= instead then return { "taken", now, current } end
if not isContinued(mark, acknowledged) then return { "store_lost", now } end
redis.call("SET", KEYS[1], own, "PX", keepMs)
countThis(witnessMs)
return { "stands", now, tostring(count) }
