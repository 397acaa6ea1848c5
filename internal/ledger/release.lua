-- release: a turn or a run ends and the update does not. Gives back what the
-- call did not use, says when and why again, and may hold the whole account.
-- KEYS  1 record · 2 lane · 3 turns · 4 group
-- ARGV  1 token · 2 turn id ('' for a run without one) · 3 back: '' nothing, 'attempt', or 'call' (it never went out)
--       4 state · 5 reason · 6 detail · 7 again in ms · 8 status · 9 state of the policy
--       10 first hold · 11 longest hold · 12 why hold · 13 '1': the provider gave a normal answer
--       14 longest hold ever
-- gives {'ok' | 'ended' | 'lost', hold left, holds in a row, who cancelled it meanwhile}
local record, lane, now = KEYS[1], KEYS[2], clock()
local token, turn = ARGV[1], ARGV[2]
local r = redis.call('HMGET', record, 'outcome', 'token', 'turn', 'done', 'granted', 'cancel')
local mine = r[2] == token
local first = set(turn) and mine and r[3] == turn
end_turn(KEYS[3], KEYS[4], turn)

local l = redis.call('HMGET', lane, 'hold', 'trouble', 'held_at', 'held_for')
local hold, trouble = believe(lane, 'hold', l[1], now, math.min(number(l[4]), number(ARGV[14]))), number(l[2])
-- A call that was under way before the trouble says nothing about its end.
if first and ARGV[13] == '1' and trouble > 0 and number(r[5]) > number(l[3]) then
  redis.call('HDEL', lane, 'hold', 'trouble', 'why', 'since', 'held_at', 'held_for')
  hold, trouble = 0, 0
end
if first and number(ARGV[10]) > 0 then
  local before = hold
  if hold <= now then
    -- Calls that were under way together report the same trouble: the first one
    -- sets the hold, the others find it set.
    if trouble == 0 then redis.call('HSET', lane, 'since', text(now)) end
    hold = now + math.min(number(ARGV[10]) * 2 ^ math.min(trouble, 20), number(ARGV[11]))
    trouble = trouble + 1
  else
    -- A longer wish under a shorter hold (Retry-After) counts too.
    hold = math.max(hold, now + math.min(number(ARGV[10]), number(ARGV[11])))
  end
  if hold > before then
    redis.call('HSET', lane, 'hold', text(hold), 'held_for', text(hold - now), 'held_at', text(now),
      'trouble', trouble, 'why', ARGV[12])
  end
end
local held = {text(math.max(0, hold - now)), tostring(trouble)}

if set(r[1]) then return {'ended', held[1], held[2]} end
if not mine then return {'lost', held[1], held[2]} end
-- Sent again, and done already: given back, or given back so long ago that another turn is held.
if set(turn) and (r[4] == turn or (not first and set(r[3]))) then return {'ok', held[1], held[2], ''} end
-- Never granted as far as is known: a copy of the question that is still on its way must find it void.
if set(turn) and not first then redis.call('HSET', record, 'done', turn) end

if first then
  if ARGV[3] ~= '' then redis.call('HINCRBY', record, 'spent', -1) end
  if ARGV[3] == 'call' then redis.call('HINCRBY', record, 'calls', -1) end
  redis.call('HSET', record, 'done', turn)
end
redis.call('HSET', record, 'state', ARGV[4], 'reason', ARGV[5], 'detail', ARGV[6],
  'again', text(now + number(ARGV[7])), 'status', ARGV[8], 'policy', ARGV[9])
redis.call('HDEL', record, 'turn', 'lease')
return {'ok', held[1], held[2], r[6] or ''}
