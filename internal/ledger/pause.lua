-- pause: an operator stops an account, or lets it go on.
-- KEYS  1 lane · 2 line · 3 events
-- ARGV  1 '1': stop · 2 by · 3 why
-- gives {'ok' | 'was so'}
local l = redis.call('HMGET', KEYS[1], 'paused', 'paused_by', 'paused_why')
local paused, now = set(l[1]), clock()
if paused == (ARGV[1] == '1') then return {'was so'} end
if paused then
  redis.call('HDEL', KEYS[1], 'paused', 'paused_by', 'paused_why')
  tell(KEYS[1], KEYS[3], 'resumed', now, 'operator', '', l[3], number(l[1]), ARGV[2])
else
  redis.call('HSET', KEYS[1], 'paused', text(now), 'paused_by', ARGV[2], 'paused_why', ARGV[3])
  -- A flag that somebody took away before this is not to end it.
  redis.call('HDEL', KEYS[1], 'flagged')
  tell(KEYS[1], KEYS[3], 'paused', now, 'operator', '', ARGV[3], now, ARGV[2])
end
ring(KEYS[2], 'state')
return {'ok'}
