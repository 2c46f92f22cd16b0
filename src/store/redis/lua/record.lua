-- Not a verb: scripts.ts puts this behind the first line of every verb on one record, and in front of it LONGEST_LEASE and
-- LONGEST_CLAIM as the domain has them. It reads the record, once, as everyone must read it.
-- KEYS  1 the record, 2 the index of open records in the record's partition (one hash tag, so one slot)
-- Returns { "unreadable", now } by itself where another version of Oncegate wrote the record: nothing is known of it.

-- Redis's clock and no gateway's decides leases.
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- domain/record.ts leaseIsGood.
local function leaseIsGood(record)
  return now < record.leaseUntil and record.leaseUntil - now <= record.leaseMs
end

local head = redis.call("GETRANGE", KEYS[1], 0, BEGINNING - 1)
-- nil where there is no record. Its state is the one that it reads as: executing on a lease that is over is unknown.
local record
if head ~= "" then
  record = recordIn(head)
  if not record then return { "unreadable", now } end
  if record.state == EXECUTING and not leaseIsGood(record) then record.state = UNKNOWN end
end

local function leaseOf(leaseMs)
  return string.format("%013d%05d", now + leaseMs, leaseMs)
end

-- The index holds what executes or is unknown, by the moment from which it reads as unknown: a lease's end, or `now` at the
-- latest. It changes with the record in one step; only an expiry of the record leaves a member behind (count-unknown.lua).
local function listAs(state, leaseUntil)
  local name = string.sub(KEYS[1], #"og:{P}:" + 1)
  if state == EXECUTING then
    redis.call("ZADD", KEYS[2], leaseUntil, name)
  elseif state == UNKNOWN then
    redis.call("ZADD", KEYS[2], math.min(record.startedAt, now), name)
  else
    redis.call("ZREM", KEYS[2], name)
  end
end

-- The record's expiry stays.
local function setLease(state, leaseMs)
  local value = headOf(state, record.startedAt, record.owner, record.fingerprint, record.credential) .. leaseOf(leaseMs)
  redis.call("SET", KEYS[1], value, "KEEPTTL")
  listAs(state, now + leaseMs)
end

-- begin and renew only serve an owner that has not lost it.
local function isOwnedBy(owner)
  return record and record.owner == owner and (record.state == CLAIMED or record.state == EXECUTING)
end
