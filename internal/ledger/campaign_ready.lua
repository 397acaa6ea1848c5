-- campaign_ready: a campaign is whole, and accepted from now on.
-- KEYS  1 head · 2 ids by name · 3 the known campaigns · 4 head of the one that is done again, or the same · 5 log
-- ARGV  1 who accepts · 2 digest · 3 id · 4 name · 5 keep until · 6 by · 7… fields
-- gives {'ok'} · {'lost'} · {'differs'} (from the one that is to be done again)
local h = redis.call('HMGET', KEYS[1], 'state', 'acceptor', 'digest', 'follows')
if h[2] ~= ARGV[1] then return {'lost'} end
if h[1] == 'ready' then return {h[3] == ARGV[2] and 'ok' or 'lost'} end
if set(h[4]) and redis.call('HGET', KEYS[4], 'digest') ~= ARGV[2] then return {'differs'} end
local now = text(clock())
redis.call('HSET', KEYS[1], 'state', 'ready', 'digest', ARGV[2], 'accepted', now, 'version', 1, 'until', ARGV[5], 'by', ARGV[6], unpack(ARGV, 7))
redis.call('HDEL', KEYS[1], 'held')
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
redis.call('HSET', KEYS[2], ARGV[4], ARGV[3])
redis.call('ZADD', KEYS[3], now, ARGV[3])
redis.call('RPUSH', KEYS[5], now .. ' start ' .. ARGV[6])
redis.call('PEXPIREAT', KEYS[5], ARGV[5])
return {'ok'}
