-- settle: the end of an update; the first one wins and is the truth.
-- KEYS  1 record · 2 lane · 3 turns · 4 group · 5 outcomes
-- ARGV  1 token · 2 turn id · 3 state · 4 outcome · 5 keep outcomes for · 6 keep record until at least expiry + this
--       7 update id · 8 group id · 9 reason · 10 finished photo, when the provider accepted it · 11 '1': normal answer
--       12 keep the group for · 13 seq
-- gives {'ok'} · {'already', outcome} · {'lost'}
local record, lane, group = KEYS[1], KEYS[2], KEYS[4]
local now = clock()
local r = redis.call('HMGET', record, 'outcome', 'token', 'expires', 'seq', 'granted')
end_turn(KEYS[3], group, ARGV[2])
if set(r[1]) then return {'already', r[1]} end
-- A run that lost its claim may still bring home a true answer: the photo is
-- there, and saying so spares the next call. Anything else it says is stale, and
-- so is all it says when the update has been sent again since.
if r[2] ~= ARGV[1] and (ARGV[3] ~= 'updated' or number(r[4]) ~= number(ARGV[13])) then return {'lost'} end

if ARGV[11] == '1' and r[2] == ARGV[1] and number(redis.call('HGET', lane, 'trouble')) > 0
  and number(r[5]) > number(redis.call('HGET', lane, 'held_at')) then
  redis.call('HDEL', lane, 'hold', 'trouble', 'why', 'since', 'held_at', 'held_for')
end
if set(ARGV[10]) then
  -- When a newer call has started meanwhile nobody knows which of the two landed last.
  if number(redis.call('HGET', group, 'fence')) > number(r[4]) then
    redis.call('HDEL', group, 'last')
  else
    redis.call('HSET', group, 'last', ARGV[10])
  end
  keep_until(group, now + number(ARGV[12]))
end
redis.call('HSET', record, 'outcome', ARGV[4], 'state', ARGV[3])
redis.call('HDEL', record, 'turn', 'lease', 'policy', 'detail', 'again', 'done', 'granted')
redis.call('PEXPIREAT', record, text(math.max(now + number(ARGV[5]), number(r[3]) + number(ARGV[6]))))
redis.call('XADD', KEYS[5], 'MINID', '~', text(now - number(ARGV[5])), '*',
  'id', ARGV[7], 'state', ARGV[3], 'group', ARGV[8], 'reason', ARGV[9])
return {'ok'}
