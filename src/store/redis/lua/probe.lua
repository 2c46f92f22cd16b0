#!lua
-- Writes nothing, but a script without flags is refused wherever a write would be: by a full Redis, a read-only replica, one
-- whose disk fails or that has too few replicas.
-- KEYS  1 any: a server of a cluster refuses what it does not hold, and everything while the cluster is down
-- Returns { "ready", now }
local time = redis.call("TIME")
return { "ready", time[1] * 1000 + math.floor(time[2] / 1000) }
