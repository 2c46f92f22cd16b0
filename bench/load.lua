-- The load of wrk: one body, another key in each request as the workload says, a report as JSON at the end.
-- Arguments: method, bytes of the body, keys ("each its own", "1% again", "all the same"), a text that no other load has.
local method, body, keys, own
local sent = 0

function init(args)
  method, keys, own = args[1], args[3], args[4]
  local start = '{"customer":"Acme Ltd","currency":"EUR","total":"900.00","note":"'
  body = start .. string.rep("x", math.max(0, tonumber(args[2]) - #start - 2)) .. '"}'
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. string.rep("t", 40)
end

local function key()
  if keys == "all the same" then return "the-one-key" end
  if keys == "1% again" and sent % 100 == 0 and sent > 1001 then return own .. (sent - 1001) end
  return own .. sent
end

function request()
  sent = sent + 1
  wrk.headers["X-Idempotency-Key"] = key()
  return wrk.format(method, nil, nil, method == "POST" and body or nil)
end

function done(summary, latency)
  local e = summary.errors
  local bad = e.connect + e.read + e.write + e.timeout
  io.write(string.format('\n{"answered":%d,"errors":%d,"seconds":%f,"p50":%f,"p99":%f}\n',
    summary.requests - e.status, bad + e.status, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
