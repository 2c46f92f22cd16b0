#!lua flags=allow-oom
-- Notes that the operation was looked for in the API and was not there, as domain/settlement.ts look. Its expiry stays.
-- KEYS  1 record, 2 index of open records
-- ARGV  1 owner, 2 wall clock of the gateway that looked
-- Returns { "looked", now, ms since the first look, by the clock that says less }
--         { "refused", now }   another operation's record, or not unknown any more
--         { "unreadable", now }
local owner, gatewayAt = ARGV[1], tonumber(ARGV[2])
if not record or record.owner ~= owner or record.state ~= UNKNOWN then return { "refused", now } end

-- Empty where it executed on a lease that is over.
local tail = redis.call("GETRANGE", KEYS[1], record.rest - 1, -1)
local reason, first = string.match(tail, "^([%a-]*)(%d*)$")
if first ~= "" then
  local ago = math.min(now - tonumber(string.sub(first, 1, 13)), gatewayAt - tonumber(string.sub(first, 14)))
  if ago >= 0 then return { "looked", now, string.format("%d", ago) } end
end

if reason == "" then reason = "owner-lost" end
local value = headOf(UNKNOWN, record.startedAt, owner, record.fingerprint, record.credential)
redis.call("SET", KEYS[1], value .. reason .. string.format("%013d%013d", now, gatewayAt), "KEEPTTL")
listAs(UNKNOWN)
return { "looked", now, "0" }
