#!lua flags=no-writes
-- KEYS  1 record, 2 index of open records (unused)
-- Returns { "absent", now }
--         { "found", now, record }   as stored: the reader compares the lease with `now`
--         { "unreadable", now }
if not record then return { "absent", now } end
return { "found", now, redis.call("GET", KEYS[1]) }
