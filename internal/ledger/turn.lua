-- turn: the right to make one call now. Pace, in-flight limit, the group's order
-- and the place in line are granted together or not at all; claim's questions are
-- asked again.
-- KEYS  1 record · 2 lane · 3 turns · 4 group · 5 line · 6 events · 7 repairs · 8 part, of a campaign's row
-- ARGV  1 token · 2 turn id · 3 update id · 4 seq · 5 lease · 6 in-flight limit · 7 gap to the next turn
--       8 longest gap · 9 finished photo · 10 '1': skip when unchanged · 11 keep the group until · 12 longest hold
--       13 longest lease · 14 process · 15 '1': campaign row · 16 row · 17 feed
-- gives {'ended', outcome} · {'lost'} · {'gone', why} · {'expired'} · {'cancelled', by} · {'superseded', newer id} · {'unchanged'} ·
--       {'wait', ms, why, reason} · {'go', lease left, previous photo, calls, spent}
local record, lane, turns, group, line = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now, turn, lease, longest = clock(), ARGV[2], number(ARGV[5]), number(ARGV[13])
local r = redis.call('HMGET', record, 'outcome', 'token', 'turn', 'lease', 'expires', 'cancel', 'previous', 'calls', 'spent', 'done',
  'suspected')
local function leave(answer)
  leave_line(line, ARGV[14], ARGV[3])
  return answer
end
if set(r[1]) then return leave({'ended', r[1]}) end
-- A turn given back stays given back, when a late copy of the question arrives.
if r[2] ~= ARGV[1] or r[10] == turn then return {'lost'} end
if r[3] == turn then
  return {'go', text(believe(record, 'lease', r[4], now, longest) - now), r[7] or '', r[8] or '0', r[9] or '0'}
end
if KEYS[8] then
  local may, letter = row_may(KEYS[8], number(ARGV[16]), number(ARGV[17]), now)
  if may == 'closed' and letter == 'X' then return leave({'cancelled', ''}) end
  if may == 'closed' then return leave({'expired'}) end
  if may == 'paused' then row_snooze(KEYS[8], number(ARGV[16]), number(ARGV[17]), now, now) end
  if may ~= 'ok' then return leave({'gone', may}) end
end
if set(r[6]) then return leave({'cancelled', r[6]}) end
if now >= number(r[5]) then return leave({'expired'}) end

local seq = number(ARGV[4])
local g = redis.call('HMGET', group, 'fence', 'fenced_by', 'turn', 'lease', 'last', 'asked', 'asks')
if number(g[1]) > seq then return leave({'superseded', g[2] or ''}) end
if ARGV[10] == '1' and set(ARGV[9]) and g[5] == ARGV[9] then return leave({'unchanged'}) end

-- All stored times are cut together: one after the other they would add up.
local l = redis.call('HMGET', lane, 'next', 'hold', 'trouble', 'why', 'held_for', 'paused', 'rest', 'widen', 'probe_at', 'suspect_hold',
  'owner', 'free_at', 'probing', 'since', 'suspect_for')
if set(l[6]) then return {'wait', '1000', 'paused'} end
local factor = math.max(number(l[8]), 1000) / 1000
local gap, longest_gap = number(ARGV[7]), number(ARGV[8])
if factor > 1 then
  gap, longest_gap = math.max(gap, least_gap) * factor, math.min(math.max(longest_gap, least_gap) * factor, 3600000)
end
local next_at = believe(lane, 'next', l[1], now, longest_gap)
local hold = believe(lane, 'hold', l[2], now, math.min(number(l[5]), number(ARGV[12])))
local rest = believe(lane, 'rest', l[7], now, most_rest)
local apart = believe(lane, 'suspect_hold', l[10], now, math.min(number(l[15]), number(ARGV[12])))
local busy = believe(group, 'lease', g[4], now, longest)
redis.call('ZREMRANGEBYSCORE', turns, '-inf', text(now))
for _, absurd in ipairs(redis.call('ZRANGEBYSCORE', turns, '(' .. text(now + longest), '+inf')) do
  redis.call('ZADD', turns, text(now + longest), absurd)
end

-- Who waits has a place in line: the processes' first ones, for single updates and
-- for campaign rows. Its value is since when it waits, when it asks again, within five
-- seconds at the latest, and which update that is; who did not ask for two seconds more is gone.
local class = ' single'
if ARGV[15] == '1' then class = ' bulk' end
local mine, since, single, older = ARGV[14] .. class, now, false, 0
local all = redis.call('HGETALL', line)
for i = 1, #all, 2 do
  local began, again = string.match(all[i + 1], '^(%d+) (%d+) ')
  began, again = number(began), number(again)
  if again + 2000 < now or again > now + 5000 then
    redis.call('HDEL', line, all[i])
  elseif all[i] == mine then
    since = math.min(began, now)
  elseif class == ' bulk' and string.sub(all[i], -7) == ' single' then
    single = true
  elseif string.sub(all[i], -#class) == class then
    older = math.max(older, now - began)
  end
end

-- Trouble: nobody before its time, then one call after the other until one gets a
-- normal answer. First /status is asked, by one of the processes.
local limit = number(ARGV[6])
if number(l[3]) > 0 then
  limit = 1
  if hold > now then return {'wait', text(hold - now), 'hold', l[4] or ''} end
  local probe, asking = number(l[9]), number(string.match(l[13] or '', ' (%d+)$'))
  if probe > 0 and probe <= now and now < math.max(probe, hold) + 5000 or asking > now and asking < now + 60000 then
    return {'wait', '250', 'hold', l[4] or ''}
  end
  if set(r[11]) and r[11] == l[14] and l[11] == 'account' then
    if apart > now then return {'wait', text(apart - now), 'suspect', l[4] or ''} end
  end
end

-- A newer update of the group that waits for its turn goes first: the older one
-- would only show its photo for a moment. Who did not ask again in time, and for two
-- seconds more, is gone.
local asked, fresh = number(g[6]), believe(group, 'asks', g[7], now, 7000) > now
local function ask_group(ms)
  if seq >= asked or not fresh then
    redis.call('HSET', group, 'asked', seq, 'asks', text(now + math.min(ms, 5000) + 2000))
    keep_until(group, now + number(ARGV[11]))
  end
end
if set(g[3]) and busy > now then
  ask_group(0)
  return leave({'wait', text(busy - now), 'group'})
end
if asked > seq and fresh then return leave({'wait', '200', 'group'}) end
local function wait(ms, why)
  ms = math.max(1, math.ceil(ms))
  ask_group(ms)
  redis.call('HSET', line, mine, text(since) .. ' ' .. text(now + math.min(ms, 5000)) .. ' ' .. ARGV[3])
  return {'wait', text(ms), why}
end

if redis.call('ZCARD', turns) >= limit then
  local first = redis.call('ZRANGE', turns, 0, 0, 'WITHSCORES')
  return wait(number(first[2]) - now, 'limit')
end
if rest > now then return wait(rest - now, 'throttled') end
-- Those who have waited longer get 25 ms to ask, so that no process starves: a
-- difference of less than 200 ms is none.
local behind = 0
if older > now - since + 200 then behind = 25 end
if next_at > now then return wait(next_at - now + behind, 'pace') end
if single then return wait(200, 'single') end
local chance, freed = next_at, number(l[12])
if freed <= now then chance = math.max(chance, freed) end
if behind > 0 and now < chance + behind then return wait(chance + behind - now, 'line') end

redis.call('ZADD', turns, text(now + lease), turn)
-- What this call comes late by, the next may come early by, up to 3 ms: else every
-- wait's small delay would slow the account down.
local from = now
if next_at > 0 and now - next_at <= 3 then from = next_at end
redis.call('HSET', lane, 'next', text(from + gap))
redis.call('HDEL', line, mine)
redis.call('HSET', group, 'fence', seq, 'fenced_by', ARGV[3], 'turn', turn, 'lease', text(now + lease))
keep_until(group, now + number(ARGV[11]))
-- From here on nobody knows what the group shows until the provider says true.
local previous = r[7] or ''
if set(g[5]) then
  previous = g[5]
  redis.call('HSET', record, 'previous', previous)
  redis.call('HDEL', group, 'last')
end
if KEYS[8] then row_call(KEYS[8], number(ARGV[16]), number(ARGV[17]), now) end
local calls = redis.call('HINCRBY', record, 'calls', 1)
local spent = redis.call('HINCRBY', record, 'spent', 1)
redis.call('HSET', record, 'turn', turn, 'lease', text(now + lease), 'granted', text(now), 'next', text(from + gap), 'state', 'calling')
return {'go', text(lease), previous, tostring(calls), tostring(spent)}
