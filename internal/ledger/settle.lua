-- settle: the end of an update; the first one wins and is the truth.
-- KEYS  1 record · 2 lane · 3 turns · 4 group · 5 line · 6 events · 7 repairs · 8 outcomes · 9 part, of a campaign's row
-- ARGV  1 token · 2 turn id · 3 state · 4 outcome · 5 keep outcomes for · 6 keep record until at least expiry + this
--       7 update id · 8 group id · 9 reason · 10 finished photo, when the provider accepted it · 11 process
--       12 keep the group for · 13 seq · 14 longest hold · 15… the answer, see answer_of · 25 row · 26 feed · 27… letter
--       and end of the row, see row_settle · 33 event, '': none
-- gives {'ok', '1': repair, '1': it was the last row of its part} · {'already', outcome ('' for a row), '1': repair} · {'lost'}
local record, lane, group = KEYS[1], KEYS[2], KEYS[4]
local now = clock()
local r = redis.call('HMGET', record, 'outcome', 'token', 'expires', 'seq', 'granted', 'turn', 'next')
end_turn(lane, KEYS[3], group, ARGV[2], KEYS[5], ARGV[11])
if not set(ARGV[2]) then leave_line(KEYS[5], ARGV[11], ARGV[7]) end
-- The old photo may have landed after a newer one, whatever becomes of this record.
local repair, a = '', answer_of(15, r[5])
if ARGV[3] == 'updated' or a.lost then repair = needs_repair(group, KEYS[7], number(ARGV[13]), ARGV[2], r[1] == ARGV[4]) end
if set(r[1]) then return {'already', r[1], repair} end
-- A run that lost its claim may still bring home a true answer: the photo is
-- there, and saying so spares the next call. Anything else it says is stale, and
-- so is all it says when the update has been sent again since.
-- A row without a record has ended, or waits as if it had never been claimed.
local foreign = r[2] ~= ARGV[1] and not (KEYS[9] and not r[2])
if foreign and (ARGV[3] ~= 'updated' or number(r[4]) ~= number(ARGV[13])) then return {'lost', '', repair} end

if r[2] == ARGV[1] and set(ARGV[2]) and r[6] == ARGV[2] then
  paced(now, a, r[7])
  answered(now, a, number(ARGV[14]))
end
if set(ARGV[10]) then
  -- When a newer call has started meanwhile nobody knows which of the two landed last.
  if number(redis.call('HGET', group, 'fence')) > number(r[4] or ARGV[13]) then
    redis.call('HDEL', group, 'last')
  else
    redis.call('HSET', group, 'last', ARGV[10])
  end
  keep_until(group, now + number(ARGV[12]))
end
if KEYS[9] then
  -- The end is kept with the campaign and the record goes: a million of them would not
  -- be small. Whoever was fed the row since has nothing left to do.
  local row, feed, e = number(ARGV[25]), number(ARGV[26]), {}
  if r[2] then feed = select(2, row_look(KEYS[9], row)) end
  for i = 28, 32 do e[#e + 1] = ARGV[i] end
  local ended = row_look(KEYS[9], row)
  local what, more = row_settle(KEYS[9], row, feed, ARGV[27], e, now)
  if what == 'ok' and ARGV[33] ~= '' and not ENDED[ended] then
    local id = redis.call('XADD', KEYS[6], 'MAXLEN', '~', 10000, '*', 'type', 'campaign.outcome', 'data', ARGV[33])
    redis.call('HSET', lane, 'event', id)
  end
  if what == 'ok' then return {'ok', repair, more and '1' or ''} end
  if what == 'already' then return {'already', '', repair} end
  return {'lost', '', repair}
end
redis.call('HSET', record, 'outcome', ARGV[4], 'state', ARGV[3])
redis.call('HDEL', record, 'turn', 'lease', 'policy', 'detail', 'again', 'done', 'granted', 'next', 'suspected', 'guilty')
redis.call('PEXPIREAT', record, text(math.max(now + number(ARGV[5]), number(r[3]) + number(ARGV[6]))))
redis.call('XADD', KEYS[8], 'MINID', '~', text(now - number(ARGV[5])), '*',
  'id', ARGV[7], 'state', ARGV[3], 'group', ARGV[8], 'reason', ARGV[9])
return {'ok', repair}
