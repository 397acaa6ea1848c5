-- again: send an ended update once more, as the newest wish for its group. The
-- earlier end stays in the stream of outcomes.
-- KEYS  1 record · 2 the account's counter
-- ARGV  1 the outcome that is to be followed · 2 enqueued · 3 expires · 4 keep until
-- gives {'ok', seq} · {'waiting'} (sent again already) · {'unknown'}
local r = redis.call('HMGET', KEYS[1], 'outcome', 'print')
if not r[2] then return {'unknown'} end
if r[1] ~= ARGV[1] then return {'waiting'} end
local seq = redis.call('INCR', KEYS[2])
redis.call('HDEL', KEYS[1], 'outcome', 'token', 'turn', 'lease', 'started', 'calls', 'spent', 'policy', 'previous',
  'cancel', 'reason', 'detail', 'again', 'status', 'state', 'due', 'done', 'granted', 'next', 'suspected', 'guilty')
redis.call('HSET', KEYS[1], 'seq', seq, 'enqueued', ARGV[2], 'expires', ARGV[3])
redis.call('PEXPIREAT', KEYS[1], ARGV[4])
return {'ok', tostring(seq)}
