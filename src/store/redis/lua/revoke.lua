#!lua flags=allow-oom
-- Ends the operation of a holder whose turn is over, as domain/settlement.ts revoke.
-- KEYS  1 record, 2 index of open records
-- ARGV  1 owner
-- Returns { "revoked", now }   also where it is another owner's, settled or gone: nothing changes then
--         { "unreadable", now }
if not isOwnedBy(ARGV[1]) then return { "revoked", now } end
if record.state == CLAIMED then
  redis.call("DEL", KEYS[1])
else
  local value = headOf(UNKNOWN, record.startedAt, record.owner, record.fingerprint, record.credential) .. "owner-lost"
  redis.call("SET", KEYS[1], value, "KEEPTTL")
  listAs(UNKNOWN)
end
return { "revoked", now }
