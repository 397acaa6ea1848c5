-- pause: an operator stops an account, or lets it go on.
-- KEYS  1 lane
-- ARGV  1 '1': stop · 2 by · 3 why
-- gives {'ok' | 'was so'}
local paused = set(redis.call('HGET', KEYS[1], 'paused'))
if paused == (ARGV[1] == '1') then return {'was so'} end
if paused then
  redis.call('HDEL', KEYS[1], 'paused', 'paused_by', 'paused_why')
else
  redis.call('HSET', KEYS[1], 'paused', text(clock()), 'paused_by', ARGV[2], 'paused_why', ARGV[3])
end
return {'ok'}
