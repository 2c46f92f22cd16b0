-- Not a verb: scripts.ts puts this in front of whatever reads or writes records.
--
-- A record is one string: a head of fixed width, and what its state has besides. layout.ts reads it as well.
--   1  format   1 byte   "3"
--   2  state    1 byte   c claimed, e executing, d completed, u unknown
--   3  start    6 bytes  ms of Redis TIME, the highest first
--   9  owner, fingerprint, credential  16 bytes each
--  57  claimed, executing: the lease's end, 13 digits in ms of Redis TIME, and its length when it was given, 5 digits in ms
--      completed: the answer
--      unknown: the reason, and behind it where somebody looked: 13 digits of ms of Redis TIME, 13 of the gateway's clock
-- Format "2", which is read and not written any more, has its start in 13 digits and always a lease in front of it: zeros where
-- the state has none.
local FORMAT, HEAD = "3", 56
local CLAIMED, EXECUTING, COMPLETED, UNKNOWN = "c", "e", "d", "u"
-- The longest head, and a lease.
local BEGINNING = 81

local function leaseIn(digits)
  return tonumber(string.sub(digits, 1, 13)), tonumber(string.sub(digits, 14, 18))
end

-- What the beginning of a record says, and where the rest begins: answer, or reason and look. nil where another version wrote it.
local function recordIn(bytes)
  local format, record = string.sub(bytes, 1, 1), { state = string.sub(bytes, 2, 2) }
  local identity
  if format == FORMAT and #bytes >= HEAD then
    record.startedAt, identity, record.rest = struct.unpack(">I6", string.sub(bytes, 3, 8)), 9, 57
    if record.state == CLAIMED or record.state == EXECUTING then
      record.leaseUntil, record.leaseMs = leaseIn(string.sub(bytes, 57, 74))
      record.rest = 75
      if not record.leaseMs then return nil end
    end
  elseif format == "2" and #bytes >= 81 then
    record.leaseUntil, record.leaseMs = leaseIn(string.sub(bytes, 3, 20))
    record.startedAt, identity, record.rest = tonumber(string.sub(bytes, 21, 33)), 34, 82
  else
    return nil
  end
  record.owner = string.sub(bytes, identity, identity + 15)
  record.fingerprint = string.sub(bytes, identity + 16, identity + 31)
  record.credential = string.sub(bytes, identity + 32, identity + 47)
  return record
end

local function headOf(state, startedAt, owner, fingerprint, credential)
  return FORMAT .. state .. struct.pack(">I6", startedAt) .. owner .. fingerprint .. credential
end
