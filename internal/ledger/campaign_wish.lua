-- campaign_wish: somebody wants a campaign to pause, go on, end, or open again.
-- KEYS  1 head · 2 log
-- ARGV  1 'pause' · 'resume' · 'cancel' · 'expire' · 'again' · 2 by · 3 why · 4 expires and 5 keep until, for 'again'
-- gives {'ok' | 'was so' | 'closed' | 'unknown', version, pass}
local head, wish = KEYS[1], ARGV[1]
local h = redis.call('HMGET', head, 'state', 'paused', 'closed', 'version', 'trial', 'pass')
if h[1] ~= 'ready' then return {'unknown'} end
local paused, closed = set(h[2]), set(h[3])
local now = text(clock())
if wish == 'pause' then
  if closed then return {'closed', h[4]} end
  if paused then return {'was so', h[4]} end
  redis.call('HSET', head, 'paused', now, 'paused_by', ARGV[2], 'paused_why', ARGV[3])
elseif wish == 'resume' then
  if closed then return {'closed', h[4]} end
  if not paused and number(h[5]) == 0 then return {'was so', h[4]} end
  redis.call('HSET', head, 'paused', '', 'trial', 0)
elseif wish == 'again' then
  redis.call('HSET', head, 'closed', '', 'pass', number(h[6]) + 1, 'expires', ARGV[4], 'until', ARGV[5])
  redis.call('PEXPIREAT', head, ARGV[5])
  redis.call('PEXPIREAT', KEYS[2], ARGV[5])
else
  if closed then return {'was so', h[4]} end
  redis.call('HSET', head, 'closed', wish == 'cancel' and 'X' or 'E', 'closed_at', now, 'closed_by', ARGV[2], 'closed_why', ARGV[3])
end
redis.call('RPUSH', KEYS[2], now .. ' ' .. wish .. ' ' .. ARGV[2] .. '\t' .. ARGV[3])
return {'ok', text(redis.call('HINCRBY', head, 'version', 1)), text(number(redis.call('HGET', head, 'pass')))}
