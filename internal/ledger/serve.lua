-- serve: a worker says which accounts it serves.
-- KEYS  1 accounts
-- ARGV  names
local now = text(clock())
for _, name in ipairs(ARGV) do redis.call('HSET', KEYS[1], name, now) end
return now
