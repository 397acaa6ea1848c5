-- claim: the first step of a run. Is there anything left to do, and is this run
-- the one to do it? A claim takes the update from an earlier run unless that one
-- holds a turn, so a dead run never blocks and a living call is never doubled.
-- KEYS  1 record · 2 the account's counter · 3 group · 4 part, of a campaign's row
-- ARGV  1 token · 2 fingerprint · 3 payload · 4 seq · 5 enqueued · 6 expires
--       7 life of an update without expiry · 8 longest lease · 9 how long records outlive expiry · 10 row · 11 feed
-- gives {'ended', outcome} · {'held', ms} · {'foreign', counter} · {'gone', why} (the row is not this task's, or no longer) ·
--       {verdict, seq, expires, enqueued, started, calls, spent, state of the policy, previous photo, superseding id, guilty}
--       verdict: run, expired, cancelled, superseded
local record, now = KEYS[1], clock()
local old = redis.call('HMGET', record, 'outcome', 'token', 'turn', 'lease', 'seq', 'expires', 'enqueued', 'started',
  'calls', 'spent', 'policy', 'previous', 'cancel', 'print', 'guilty')
if set(old[1]) then return {'ended', old[1]} end
local part, row, feed, may, letter = KEYS[4], number(ARGV[10]), number(ARGV[11]), '', ''
if part then
  may, letter = row_may(part, row, feed, now)
  if may ~= 'ok' and may ~= 'paused' and may ~= 'closed' then return {'gone', may} end
end

local counter = number(redis.call('GET', KEYS[2]))
if number(ARGV[4]) > counter then return {'foreign', tostring(counter)} end

local token = ARGV[1]
if set(old[3]) and old[2] ~= token then
  local lease = believe(record, 'lease', old[4], now, number(ARGV[8]))
  if lease > now then return {'held', text(lease - now)} end
end
if may == 'paused' then
  row_snooze(part, row, feed, now, now)
  return {'gone', may}
end

local seq = number(old[5])
if seq == 0 then seq = number(ARGV[4]) end
if seq == 0 then seq = redis.call('INCR', KEYS[2]) end

local enqueued, expires, started = number(old[7]), number(old[6]), number(old[8])
if enqueued == 0 then enqueued = number(ARGV[5]) end
if enqueued == 0 then enqueued = now end
if expires == 0 then expires = number(ARGV[6]) end
if part then
  expires = number(redis.call('HGET', part, 'expires'))
  redis.call('ZADD', part .. ':fed', text(now), text(row))
end
if expires == 0 then expires = now + number(ARGV[7]) end
if started == 0 then started = now end

-- A late copy of this very claim must not take its own turn away.
if old[2] ~= token then
  if not old[14] then redis.call('HSET', record, 'print', ARGV[2], 'payload', ARGV[3]) end
  local state = 'waiting'
  if number(old[9]) > 0 then state = 'retrying' end
  redis.call('HSET', record, 'token', token, 'seq', seq, 'enqueued', text(enqueued),
    'expires', text(expires), 'started', text(started), 'state', state)
  redis.call('HDEL', record, 'turn', 'lease')
end
-- From now on at least: a record that is past its time would be gone before its end is written.
keep_until(record, math.max(now, expires) + number(ARGV[9]))

local verdict, newer = 'run', ''
local fence = redis.call('HMGET', KEYS[3], 'fence', 'fenced_by')
if number(fence[1]) > seq then
  verdict, newer = 'superseded', fence[2] or ''
elseif set(old[13]) then
  verdict, newer = 'cancelled', old[13]
elseif now >= expires then
  verdict = 'expired'
end
if may == 'closed' then
  verdict = 'cancelled'
  if letter == 'E' then verdict = 'expired' end
end
return {verdict, tostring(seq), text(expires), text(enqueued), text(started),
  old[9] or '0', old[10] or '0', old[11] or '', old[12] or '', newer, old[15] or '0'}
