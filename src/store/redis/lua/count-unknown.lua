#!lua flags=allow-oom
-- How many records of one partition read as unknown now.
-- KEYS  1 index of open records
-- Returns { "counted", now, number as text }
-- May lag in one way: a record that expired stays in the index until it is noticed here. At most this many members are looked
-- at in each call, another choice each time, so that the script stays short and the index is right after a few calls.
local LOOKED_AT = 32

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- "og:{P}:open" names the partition of its records: the same slot.
local partition = string.sub(KEYS[1], 1, #"og:{P}:")
for _, name in ipairs(redis.call("ZRANDMEMBER", KEYS[1], LOOKED_AT)) do
  if redis.call("EXISTS", partition .. name) == 0 then redis.call("ZREM", KEYS[1], name) end
end

-- A lease further ahead than any is over too: a clock ran backwards. By less than that, and this lags until it is over
-- or somebody claims the key.
local good = redis.call("ZCOUNT", KEYS[1], "(" .. string.format("%d", now), now + LONGEST_LEASE)
return { "counted", now, tostring(redis.call("ZCARD", KEYS[1]) - good) }
