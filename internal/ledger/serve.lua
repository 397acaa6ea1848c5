-- serve: a worker says which accounts it serves.
-- KEYS  1 accounts
-- ARGV  names
local now = string.format('%.0f', clock())
for _, name in ipairs(ARGV) do redis.call('HSET', KEYS[1], name, now) end
return now
