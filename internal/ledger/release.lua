-- release: a turn or a run ends and the update does not. Gives back what the
-- call did not use, says when and why again, and what the answer says of the account.
-- KEYS  1 record · 2 lane · 3 turns · 4 group · 5 line · 6 events · 7 repairs · 8 part, of a campaign's row
-- ARGV  1 token · 2 turn id ('' for a run without one) · 3 back: '' nothing, 'attempt', or 'call' (it never went out)
--       4 state · 5 reason · 6 detail · 7 again in ms · 8 status · 9 state of the policy · 10 longest hold
--       11 process · 12 seq · 13… the answer, see answer_of · 23 row · 24 feed · 25 '1': its run goes on · 26 '1': it goes
--       on after all others
-- gives {'ok' | 'ended' | 'lost', hold left, holds in a row, who cancelled it meanwhile, a suspect's hold left, rest left, '1': repair}
local record, lane, now = KEYS[1], KEYS[2], clock()
local token, turn, longest = ARGV[1], ARGV[2], number(ARGV[10])
local r = redis.call('HMGET', record, 'outcome', 'token', 'turn', 'done', 'granted', 'cancel', 'next')
local mine = r[2] == token
local first = set(turn) and mine and r[3] == turn
end_turn(lane, KEYS[3], KEYS[4], turn, KEYS[5], ARGV[11])
local a = answer_of(13, r[5])
if not set(turn) then leave_line(KEYS[5], ARGV[11], a.id) end
if first then
  paced(now, a, r[7])
  answered(now, a, longest)
end
local repair = ''
if set(turn) and a.lost then repair = needs_repair(KEYS[4], KEYS[7], number(ARGV[12]), turn, r[4] == turn) end
local hold, holds, suspect, rest = standing(lane, now, longest)
local function answer(verdict, cancelling) return {verdict, hold, holds, cancelling, suspect, rest, repair} end

if set(r[1]) then return answer('ended', '') end
if not mine then return answer('lost', '') end
-- Sent again, and done already: given back, or given back so long ago that another turn is held.
if set(turn) and (r[4] == turn or (not first and set(r[3]))) then return answer('ok', '') end
-- Never granted as far as is known: a copy of the question that is still on its way must find it void.
if set(turn) and not first then redis.call('HSET', record, 'done', turn) end

if first then
  if ARGV[3] ~= '' then redis.call('HINCRBY', record, 'spent', -1) end
  if ARGV[3] == 'call' then redis.call('HINCRBY', record, 'calls', -1) end
  redis.call('HSET', record, 'done', turn)
end
local again = number(ARGV[7])
if a.kind == 'account' then
  again = math.max(again, number(suspect))
elseif a.kind == 'throttled' then
  again = math.max(again, number(rest))
end
redis.call('HSET', record, 'state', ARGV[4], 'reason', ARGV[5], 'detail', ARGV[6],
  'again', text(now + again), 'status', ARGV[8], 'policy', ARGV[9])
redis.call('HDEL', record, 'turn', 'lease')
if KEYS[8] and ARGV[25] ~= '1' then
  row_snooze(KEYS[8], number(ARGV[23]), number(ARGV[24]), now, now + again, ARGV[4] == 'retrying', ARGV[26] == '1')
end
return answer('ok', r[6] or '')
