-- mirror: bring the lane's word about asynq's flag up to date.
-- KEYS  1 lane · 2 line · 3 events
-- ARGV  1 'paused': somebody paused the queue with asynq's tools · 'resumed': somebody resumed it · 'set': our flag is there
--       'clear': our flag goes · 2 by · 3 longest hold · 4 our flag: the one that is put there or goes, for 'resumed' the
--       one that was noted and is missing
-- gives {'1' | '' whether the account is to be paused}
--   flagged       our flag that is there, as far as is known: when it is missing, somebody resumed the queue
--   cleared       our flag that went last: a slower process does not note it again
local lane, now = KEYS[1], clock()
local l = redis.call('HMGET', lane, 'paused', 'trouble', 'hold', 'held_for', 'flagged', 'paused_why', 'cleared')
local hold = believe(lane, 'hold', l[3], now, math.min(number(l[4]), number(ARGV[3])))
local stopped = set(l[1])
if ARGV[1] == 'paused' and l[5] ~= ARGV[4] and l[7] ~= ARGV[4] then
  if not stopped then
    redis.call('HSET', lane, 'paused', text(now), 'paused_by', ARGV[2], 'paused_why', '')
    tell(lane, KEYS[3], 'paused', now, 'operator', '', '', now, ARGV[2])
    ring(KEYS[2], 'state')
  end
  stopped = true
  redis.call('HSET', lane, 'flagged', ARGV[4])
elseif ARGV[1] == 'resumed' and l[5] == ARGV[4] then
  redis.call('HDEL', lane, 'flagged')
  if stopped then
    redis.call('HDEL', lane, 'paused', 'paused_by', 'paused_why')
    tell(lane, KEYS[3], 'resumed', now, 'operator', '', l[6], number(l[1]), ARGV[2])
    ring(KEYS[2], 'state')
  end
  stopped = false
end
local closed = stopped or (number(l[2]) > 0 and hold > now)
if ARGV[1] == 'clear' and not closed then
  redis.call('HDEL', lane, 'flagged')
  redis.call('HSET', lane, 'cleared', ARGV[4])
end
if ARGV[1] == 'set' and closed and l[7] ~= ARGV[4] then redis.call('HSET', lane, 'flagged', ARGV[4]) end
if closed then return {'1'} end
return {''}
