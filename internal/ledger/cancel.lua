-- cancel: stop an update. One that is being called ends as its call ends, and
-- is not called again; any other ends now.
-- KEYS  1 record · 2 outcomes
-- ARGV  1 by · 2 outcome · 3 calls made, as the outcome says · 4 keep outcomes for · 5 outlive expiry by
--       6 update id · 7 group id · 8 longest lease · 9 reason · 10 expires
-- gives {'ok'} · {'ended', outcome} · {'calling'} · {'changed'} · {'unknown'}
local record, now = KEYS[1], clock()
local r = redis.call('HMGET', record, 'outcome', 'turn', 'lease', 'calls', 'print')
if not r[5] then return {'unknown'} end
if set(r[1]) then return {'ended', r[1]} end
redis.call('HSET', record, 'cancel', ARGV[1])
if set(r[2]) and believe(record, 'lease', r[3], now, number(ARGV[8])) > now then return {'calling'} end
if number(r[4]) ~= number(ARGV[3]) then return {'changed'} end
redis.call('HSET', record, 'outcome', ARGV[2], 'state', 'cancelled')
redis.call('HDEL', record, 'turn', 'lease', 'policy', 'detail', 'again', 'done', 'granted', 'next', 'suspected', 'guilty')
redis.call('PEXPIREAT', record, text(math.max(now + number(ARGV[4]), number(ARGV[10]) + number(ARGV[5]))))
redis.call('XADD', KEYS[2], 'MINID', '~', text(now - number(ARGV[4])), '*',
  'id', ARGV[6], 'state', 'cancelled', 'group', ARGV[7], 'reason', ARGV[9])
return {'ok'}
