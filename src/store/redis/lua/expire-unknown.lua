#!lua flags=allow-oom
-- Removes what reads as unknown and whose retention is over, each with an entry in the journal. Looks at the longest standing.
-- KEYS  1 index of open records, 2 journal
-- ARGV  1 ms of life that Redis gives a record beyond its retention, 2 journalMs
-- Returns { "swept", now }
local LOOKED_AT = 32

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local beyond, journalMs = tonumber(ARGV[1]), ARGV[2]

local partition = string.sub(KEYS[1], 1, #"og:{P}:")
for _, name in ipairs(redis.call("ZRANGE", KEYS[1], "-inf", now, "BYSCORE", "LIMIT", 0, LOOKED_AT)) do
  local key = partition .. name
  local left = redis.call("PTTL", key)
  -- The head and a reason: none is longer.
  local stored = redis.call("GETRANGE", key, 0, 98)
  local record = recordIn(stored)
  -- The index may lag: the record decides, and an answer is not swept.
  if stored == "" or (record and record.state ~= EXECUTING and record.state ~= UNKNOWN) then
    redis.call("ZREM", KEYS[1], name)
  elseif record and left < beyond then
    local reason = record.state == UNKNOWN and string.match(stored, "^[%a-]+", record.rest) or "owner-lost"
    local note = { event = "expired", name = name, startedAt = record.startedAt, reason = reason }
    redis.call("ZADD", KEYS[2], now, cjson.encode(note))
    redis.call("DEL", key)
    redis.call("ZREM", KEYS[1], name)
  end
end
redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", now - journalMs)
return { "swept", now }
