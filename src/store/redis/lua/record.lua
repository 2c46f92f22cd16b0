-- Not a verb: scripts.ts puts this behind the first line of every verb on one record, and in front of it LONGEST_LEASE and
-- LONGEST_CLAIM as the domain has them. It reads the record, once, as everyone must read it.
-- KEYS  1 the record, 2 the index of open records in the record's partition (one hash tag, so one slot)
-- Returns { "unreadable", now } by itself where another version of Oncegate wrote the record: nothing is known of it.
--
-- A record is one string: a head of fixed width and then the answer (completed) or the reason and the first look (unknown). layout.ts reads it.
--   1  format   1 byte    "2"
--   2  state    1 byte    c claimed, e executing, d completed, u unknown
--   3  lease   13 digits  its end, ms of Redis TIME; zeros where the state has none
--  16  length   5 digits  of the lease when it was given, ms
--  21  start   13 digits  ms of Redis TIME
--  34  owner, fingerprint, credential  16 bytes each
--  82  the answer; or the reason, and behind it where somebody looked: 13 digits of ms of Redis TIME, 13 of the gateway's clock
local FORMAT, HEAD = "2", 81
local CLAIMED, EXECUTING, COMPLETED, UNKNOWN = "c", "e", "d", "u"

-- Redis's clock and no gateway's decides leases.
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- domain/record.ts leaseIsGood.
local function leaseIsGood(record)
  return now < record.leaseUntil and record.leaseUntil - now <= record.leaseMs
end

local head = redis.call("GETRANGE", KEYS[1], 0, HEAD - 1)
-- nil where there is no record. Its state is the one that it reads as: executing on a lease that is over is unknown.
local record
if head ~= "" then
  if #head < HEAD or string.sub(head, 1, 1) ~= FORMAT then return { "unreadable", now } end
  record = {
    state = string.sub(head, 2, 2),
    leaseUntil = tonumber(string.sub(head, 3, 15)),
    leaseMs = tonumber(string.sub(head, 16, 20)),
    startedAt = tonumber(string.sub(head, 21, 33)),
    owner = string.sub(head, 34, 49),
    fingerprint = string.sub(head, 50, 65),
    credential = string.sub(head, 66, 81),
  }
  if record.state == EXECUTING and not leaseIsGood(record) then record.state = UNKNOWN end
end

local function leaseOf(leaseMs)
  return string.format("%013d%05d", now + leaseMs, leaseMs)
end
local NO_LEASE = string.rep("0", 18)

local function headOf(state, lease, startedAt, owner, fingerprint, credential)
  return FORMAT .. state .. lease .. string.format("%013d", startedAt) .. owner .. fingerprint .. credential
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

-- In place: the rest of the record and its expiry stay.
local function setLease(state, leaseMs)
  redis.call("SETRANGE", KEYS[1], 1, state .. leaseOf(leaseMs))
  listAs(state, now + leaseMs)
end

-- begin and renew only serve an owner that has not lost it.
local function isOwnedBy(owner)
  return record and record.owner == owner and (record.state == CLAIMED or record.state == EXECUTING)
end
