-- turn: the right to make one call now. Pace, in-flight limit and the group's
-- order are granted together or not at all; claim's questions are asked again.
-- KEYS  1 record · 2 lane · 3 turns · 4 group
-- ARGV  1 token · 2 turn id · 3 update id · 4 seq · 5 lease · 6 in-flight limit · 7 gap to the next turn
--       8 longest gap · 9 finished photo · 10 '1': skip when unchanged · 11 keep the group until · 12 longest hold
--       13 longest lease
-- gives {'ended', outcome} · {'lost'} · {'expired'} · {'cancelled', by} · {'superseded', newer id} · {'unchanged'} ·
--       {'wait', ms, why} · {'go', lease left, previous photo, calls, spent}
local record, lane, turns, group = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, turn, lease, longest = clock(), ARGV[2], number(ARGV[5]), number(ARGV[13])
local r = redis.call('HMGET', record, 'outcome', 'token', 'turn', 'lease', 'expires', 'cancel', 'previous', 'calls', 'spent', 'done')
if set(r[1]) then return {'ended', r[1]} end
-- A turn given back stays given back, when a late copy of the question arrives.
if r[2] ~= ARGV[1] or r[10] == turn then return {'lost'} end
if r[3] == turn then
  return {'go', text(believe(record, 'lease', r[4], now, longest) - now), r[7] or '', r[8] or '0', r[9] or '0'}
end
if set(r[6]) then return {'cancelled', r[6]} end
if now >= number(r[5]) then return {'expired'} end

local seq = number(ARGV[4])
local g = redis.call('HMGET', group, 'fence', 'fenced_by', 'turn', 'lease', 'last', 'asked', 'asked_at')
if number(g[1]) > seq then return {'superseded', g[2] or ''} end
if ARGV[10] == '1' and set(ARGV[9]) and g[5] == ARGV[9] then return {'unchanged'} end

-- All stored times are cut together: one after the other they would add up.
local l = redis.call('HMGET', lane, 'next', 'hold', 'trouble', 'why', 'held_for', 'paused')
if set(l[6]) then return {'wait', '1000', 'paused'} end
local next_at = believe(lane, 'next', l[1], now, number(ARGV[8]))
local hold = believe(lane, 'hold', l[2], now, math.min(number(l[5]), number(ARGV[12])))
local busy = believe(group, 'lease', g[4], now, longest)
redis.call('ZREMRANGEBYSCORE', turns, '-inf', text(now))
for _, absurd in ipairs(redis.call('ZRANGEBYSCORE', turns, '(' .. text(now + longest), '+inf')) do
  redis.call('ZADD', turns, text(now + longest), absurd)
end

-- A newer update of the group that waits for its turn goes first: the older one
-- would only show its photo for a moment. Who has not asked for a while is gone.
local asked, fresh = number(g[6]), now - believe(group, 'asked_at', g[7], now, 0) < 2000
local function wait(ms, why)
  if seq >= asked or not fresh then
    redis.call('HSET', group, 'asked', seq, 'asked_at', text(now))
    keep_until(group, now + number(ARGV[11]))
  end
  return {'wait', text(ms), why}
end

if hold > now then return {'wait', text(hold - now), 'hold', l[4] or ''} end
if set(g[3]) and busy > now then return wait(busy - now, 'group') end
if asked > seq and fresh then return {'wait', '200', 'group'} end
-- After trouble one call at a time feels its way until one gets a normal answer.
local limit = number(ARGV[6])
if number(l[3]) > 0 then limit = 1 end
if redis.call('ZCARD', turns) >= limit then
  local first = redis.call('ZRANGE', turns, 0, 0, 'WITHSCORES')
  return wait(number(first[2]) - now, 'limit')
end
if next_at > now then return wait(next_at - now, 'pace') end

redis.call('ZADD', turns, text(now + lease), turn)
redis.call('HSET', lane, 'next', text(now + number(ARGV[7])))
redis.call('HSET', group, 'fence', seq, 'fenced_by', ARGV[3], 'turn', turn, 'lease', text(now + lease))
keep_until(group, now + number(ARGV[11]))
-- From here on nobody knows what the group shows until the provider says true.
local previous = r[7] or ''
if set(g[5]) then
  previous = g[5]
  redis.call('HSET', record, 'previous', previous)
  redis.call('HDEL', group, 'last')
end
local calls = redis.call('HINCRBY', record, 'calls', 1)
local spent = redis.call('HINCRBY', record, 'spent', 1)
redis.call('HSET', record, 'turn', turn, 'lease', text(now + lease), 'granted', text(now), 'state', 'calling')
return {'go', text(lease), previous, tostring(calls), tostring(spent)}
