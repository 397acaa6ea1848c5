-- mirror: bring the lane's word about asynq's flag up to date.
-- KEYS  1 lane · 2 line · 3 events
-- ARGV  1 'paused': somebody paused the queue with asynq's tools · 'resumed': somebody resumed it · 'set': our flag is there
--       'clear': our flag goes · 2 by · 3 longest hold
-- gives {'1' | '' whether the account is to be paused}
local lane, now = KEYS[1], clock()
local l = redis.call('HMGET', lane, 'paused', 'trouble', 'hold', 'held_for', 'flagged', 'paused_why')
local hold = believe(lane, 'hold', l[3], now, math.min(number(l[4]), number(ARGV[3])))
local stopped = set(l[1])
if ARGV[1] == 'paused' and not stopped then
  stopped = true
  redis.call('HSET', lane, 'paused', text(now), 'paused_by', ARGV[2], 'paused_why', '')
  tell(lane, KEYS[3], 'paused', now, 'operator', '', '', now, ARGV[2])
  ring(KEYS[2], 'state')
elseif ARGV[1] == 'resumed' and set(l[5]) then
  redis.call('HDEL', lane, 'flagged')
  if stopped then
    redis.call('HDEL', lane, 'paused', 'paused_by', 'paused_why')
    tell(lane, KEYS[3], 'resumed', now, 'operator', '', l[6], number(l[1]), ARGV[2])
    ring(KEYS[2], 'state')
  end
  stopped = false
end
local closed = stopped or (number(l[2]) > 0 and hold > now)
if ARGV[1] == 'clear' and not closed then redis.call('HDEL', lane, 'flagged') end
if (ARGV[1] == 'set' or ARGV[1] == 'paused') and closed then redis.call('HSET', lane, 'flagged', '1') end
if closed then return {'1'} end
return {''}
