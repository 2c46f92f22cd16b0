#!lua
-- Enters the line of a document, or asks again from within it, as domain/turn.ts enter. Refused by a full Redis: no flags.
-- KEYS  1 turn, 2 line
-- ARGV  1 owner, 2 name of its record, 3 delete (1 or 0), 4 leaseMs, 5 aliveMs, 6 deadline, 7 waitMs, 8 after, 9 keepMs
-- Returns { "held", now }
--         { "waiting", now, ahead as text }
--         { "lapsed", now, owner and name of the holder }
--         { "deleting", now }
--         { "too_late", now }
local owner, name, isDelete = ARGV[1], ARGV[2], ARGV[3] == "1"
local leaseMs, aliveMs = tonumber(ARGV[4]), tonumber(ARGV[5])
local left, waitMs = tonumber(ARGV[6]) - now, tonumber(ARGV[7])
local after, keepMs = ARGV[8], ARGV[9]

local function keep()
  redis.call("PEXPIRE", KEYS[1], keepMs)
  redis.call("PEXPIRE", KEYS[2], keepMs)
end

local function take()
  local isDeleteNow = isDelete and "1" or "0"
  redis.call("HSET", KEYS[1], "holder", owner, "name", name, "delete", isDeleteNow, "lease", leaseOf(leaseMs))
  keep()
  return { "held", now }
end

local first, firstTicket = firstInLine(owner)
if holder == owner then return take() end

local function refuse(answer)
  dropFromLine(owner)
  return { answer, now }
end
if left <= 0 or left > waitMs then return refuse("too_late") end
if isDelete then
  local isDeleteWaiting = deleter and deleter ~= owner and isAlive(deleter)
  if isDeleteWaiting or (isDeleteHeld and isGood(lease)) then return refuse("deleting") end
  redis.call("HSET", KEYS[1], "deleter", owner)
  deleter = owner
end

local ticket = tonumber(redis.call("ZSCORE", KEYS[2], owner) or nil)
if not ticket then
  local last = redis.call("ZRANGE", KEYS[2], 0, 0, "REV", "WITHSCORES")
  ticket = tonumber(last[2] or 0) + 1
  redis.call("ZADD", KEYS[2], ticket, owner)
end
redis.call("HSET", KEYS[1], owner, leaseOf(aliveMs))
keep()

if first and firstTicket < ticket then return { "waiting", now, string.format("%d", ticket - firstTicket) } end
if holder and isGood(lease) then return { "waiting", now, "0" } end
if holder and holder ~= after then return { "lapsed", now, holder .. holderName } end
dropFromLine(owner)
return take()
