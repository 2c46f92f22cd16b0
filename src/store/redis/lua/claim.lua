#!lua
-- Makes an attempt the owner of an operation, as domain/claim.ts decideClaim. Refused by a full Redis: no flags.
-- KEYS  1 record, 2 index of open records, 3 mark, 4 count of this process's claims
-- ARGV  1 owner, 2 fingerprint, 3 credential, 4 state to claim into (c or e), 5 leaseMs, 6 deadline, 7 keepMs,
--       8 mark that must stand, 9 count that was acknowledged, 10 witnessMs
-- Returns { "claimed", now, count }
--         { "yours", now, count }       an earlier copy of this attempt got through; the lease is renewed
--         { "in_flight", now, head }
--         { "completed", now, record }
--         { "unknown", now, record }
--         { "mismatch", now, head }     the key stands for another request
--         { "too_late", now }           nothing taken: the deadline is over
--         { "store_lost", now }         nothing taken: the mark is another one, or counted claims are gone
--         { "unreadable", now }
local owner, fingerprint, credential, into = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local leaseMs = tonumber(ARGV[5])
local deadline, keepMs = tonumber(ARGV[6]), ARGV[7]
local mark, acknowledged, witnessMs = ARGV[8], ARGV[9], ARGV[10]

-- The owner is looked at before the deadline: "too late" is never said to someone who holds the claim.
if isOwnedBy(owner) and leaseIsGood(record) then
  if not isContinued(mark, acknowledged) then return { "store_lost", now } end
  setLease(record.state, leaseMs)
  redis.call("PEXPIRE", KEYS[1], keepMs)
  return { "yours", now, tostring(count) }
end

if not record or (record.state == CLAIMED and not leaseIsGood(record)) then
  if now >= deadline or deadline - now > LONGEST_CLAIM then return { "too_late", now } end
  if not isContinued(mark, acknowledged) then return { "store_lost", now } end
  redis.call("SET", KEYS[1], headOf(into, now, owner, fingerprint, credential) .. leaseOf(leaseMs), "PX", keepMs)
  listAs(into, now + leaseMs)
  if into == EXECUTING then countThis(witnessMs) end
  return { "claimed", now, tostring(count) }
end

if record.fingerprint ~= fingerprint then return { "mismatch", now, head } end
if record.state == COMPLETED then return { "completed", now, redis.call("GET", KEYS[1]) } end
if record.state == UNKNOWN then
  listAs(UNKNOWN) -- not by a lease that a clock which ran backwards put far ahead
  return { "unknown", now, redis.call("GET", KEYS[1]) }
end
return { "in_flight", now, head }
