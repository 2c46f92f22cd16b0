-- Not a verb: scripts.ts puts this behind the first line of every verb on the queue of one document.
-- KEYS  1 the turn, a hash:  holder, name, delete (1 or 0) and lease of who has it;  deleter, whose delete is in the line;
--                            and by owner the lease of everybody in the line
--       2 the line, a sorted set of owners by ticket (one hash tag, so one slot)
-- A lease is its end, 13 digits in ms of Redis TIME, and its length when it was given, in ms.
-- Owners are 16 bytes, so that no field of the first is taken for one.
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local kept = redis.call("HMGET", KEYS[1], "holder", "name", "delete", "lease", "deleter")
local holder, holderName, isDeleteHeld, lease, deleter = kept[1], kept[2], kept[3] == "1", kept[4], kept[5]

local function leaseOf(ms)
  return string.format("%013d%d", now + ms, ms)
end

-- domain/record.ts leaseIsGood.
local function isGood(lease)
  if not lease then return false end
  local left = tonumber(string.sub(lease, 1, 13)) - now
  return left > 0 and left <= tonumber(string.sub(lease, 14))
end

local function isAlive(owner)
  return isGood(redis.call("HGET", KEYS[1], owner))
end

local function dropFromLine(owner)
  redis.call("ZREM", KEYS[2], owner)
  redis.call("HDEL", KEYS[1], owner)
  if owner == deleter then redis.call("HDEL", KEYS[1], "deleter") end
end

-- The first in the line who is alive, or `asker`, and its ticket; the dead before it are dropped, each of them once.
local function firstInLine(asker)
  while true do
    local first = redis.call("ZRANGE", KEYS[2], 0, 0, "WITHSCORES")
    if not first[1] then return nil end
    if first[1] == asker or isAlive(first[1]) then return first[1], tonumber(first[2]) end
    dropFromLine(first[1])
  end
end
