-- mirror: write down that asynq's flag and the operator's pause agree again,
-- unless one of them was changed since they were compared.
-- KEYS  1 lane
-- ARGV  1 what the lane said of the flag · 2 since when the operator's pause was there · 3 the flag now
--       4 '1': somebody paused the queue, '0': somebody resumed it, '': the flag followed the pause · 5 by
-- gives {'ok' | 'changed'}
local l = redis.call('HMGET', KEYS[1], 'flag', 'paused')
if (l[1] or '') ~= ARGV[1] or (l[2] or '') ~= ARGV[2] then return {'changed'} end
if ARGV[4] == '1' and not set(l[2]) then
  redis.call('HSET', KEYS[1], 'paused', text(clock()), 'paused_by', ARGV[5], 'paused_why', '')
elseif ARGV[4] == '0' then
  redis.call('HDEL', KEYS[1], 'paused', 'paused_by', 'paused_why')
end
redis.call('HSET', KEYS[1], 'flag', ARGV[3])
return {'ok'}
