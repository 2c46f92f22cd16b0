#!lua flags=no-writes
-- The records of one partition that read as one state now, those that are in it for longest first.
-- KEYS  1 index of open records
-- ARGV  1 state (e or u), 2 limit
-- Returns { "listed", now, entries }: for each 45 bytes of name, 3 digits of length, and as many bytes of record
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state, limit = ARGV[1], ARGV[2]

-- By the moment from which they read as unknown; a lease further ahead than any is over too (a clock ran backwards). Where it
-- ran back by less, the reader sees by the record that it does not execute, and finds it as unknown when this lease is over.
local good = { "(" .. string.format("%d", now), now + LONGEST_LEASE }
local names
if state == "e" then
  names = redis.call("ZRANGE", KEYS[1], good[1], good[2], "BYSCORE", "LIMIT", 0, limit)
else
  names = redis.call("ZRANGE", KEYS[1], "-inf", now, "BYSCORE", "LIMIT", 0, limit)
  local ahead = redis.call("ZRANGE", KEYS[1], "(" .. string.format("%d", good[2]), "+inf", "BYSCORE", "LIMIT", 0, limit)
  for _, name in ipairs(ahead) do names[#names + 1] = name end
end

local partition = string.sub(KEYS[1], 1, #"og:{P}:")
local entries = {}
for _, name in ipairs(names) do
  -- The head, a reason and a first look: none is longer.
  local record = redis.call("GETRANGE", partition .. name, 0, 124)
  entries[#entries + 1] = name .. string.format("%03d", #record) .. record
end
return { "listed", now, table.concat(entries) }
