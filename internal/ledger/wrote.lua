-- wrote: a request was written later than its turn was granted, and others may call
-- before it ends: the pace counts from the write.
-- KEYS  1 record · 2 lane
-- ARGV  1 turn id · 2 late by
-- gives {'ok' | 'over'}
local r = redis.call('HMGET', KEYS[1], 'turn', 'next')
if r[1] ~= ARGV[1] then return {'over'} end
local at = number(r[2]) + number(ARGV[2])
if number(r[2]) > 0 and at > number(redis.call('HGET', KEYS[2], 'next')) then redis.call('HSET', KEYS[2], 'next', text(at)) end
return {'ok'}
