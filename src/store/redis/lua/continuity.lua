-- Not a verb: scripts.ts puts it behind record.lua in those that let an operation start. domain/continuity.ts isContinued: what
-- was acknowledged is still there.
-- KEYS  3 mark of the partition, 4 how many claims it has of the process that asks
local count

local function isContinued(mark, acknowledged)
  local kept = redis.call("MGET", KEYS[3], KEYS[4])
  count = tonumber(kept[2] or 0)
  return kept[1] == mark and count >= tonumber(acknowledged)
end

-- What must survive together with the record that this script writes.
local function countThis(witnessMs)
  count = count + 1
  redis.call("SET", KEYS[4], string.format("%d", count), "PX", witnessMs)
end
