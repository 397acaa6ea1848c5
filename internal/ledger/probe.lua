-- probe: one process at a time asks /status while an account is in trouble, and
-- says what came back.
-- KEYS  1 lane · 2 line · 3 events
-- ARGV  1 step: 'ask', or what came back: 'up', 'down' (the provider says that the account cannot work), 'away' (no usable
--       answer), 'unknown' · 2 who asks ('' for an answer that nobody asked for on purpose) · 3 how long asking takes at most
--       4 first hold · 5 longest hold · 6 why · 7 detail · 8 longest hold ever
-- gives {'ask' | 'no'} · {'ok' | 'late', hold left}
local lane, step, now = KEYS[1], ARGV[1], clock()
local l = redis.call('HMGET', lane, 'trouble', 'owner', 'hold', 'held_for', 'probe_at', 'probing', 'suspects', 'explained', 'since')
local trouble, probe = number(l[1]), number(l[5])
local hold = believe(lane, 'hold', l[3], now, math.min(number(l[4]), number(ARGV[8])))
local who, till = string.match(l[6] or '', '^(%S+) (%d+)$')
if step == 'ask' then
  if probe > now + number(ARGV[8]) then probe = now end
  if trouble == 0 or probe == 0 or probe > now then return {'no'} end
  if who and who ~= ARGV[2] and number(till) > now and number(till) < now + 60000 then return {'no'} end
  redis.call('HSET', lane, 'probing', ARGV[2] .. ' ' .. text(now + number(ARGV[3])))
  return {'ask'}
end
if ARGV[2] ~= '' and who ~= ARGV[2] then return {'late', text(math.max(0, hold - now))} end
-- An answer that nobody asked for on purpose ends no probe, and counts once
-- however many bring it.
local asked = ARGV[2] ~= ''
if asked then redis.call('HDEL', lane, 'probing') end

if step == 'up' then
  redis.call('HSET', lane, 'status_at', text(now))
  if trouble > 0 and asked then
    redis.call('HDEL', lane, 'probe_at')
    if set(l[8]) then redis.call('HDEL', lane, 'explained', 'suspect', 'suspects') end
    hold = now
  end
elseif step == 'unknown' then
  redis.call('HDEL', lane, 'probe_at')
  if number(l[7]) ~= 1 then hold = math.min(hold, now) end
else
  redis.call('HDEL', lane, 'status_at')
  if trouble == 0 then redis.call('HSET', lane, 'since', text(now)) end
  if step == 'down' then
    own_trouble(lane, KEYS[3], now, 'account')
    redis.call('HSET', lane, 'explained', '1', 'why', ARGV[6], 'detail', ARGV[7])
    redis.call('HDEL', lane, 'suspect', 'suspects', 'fails', 'fail_id')
  elseif trouble == 0 then
    redis.call('HSET', lane, 'owner', 'breaker', 'why', ARGV[6], 'detail', ARGV[7])
  end
  if asked or trouble == 0 or hold <= now then trouble = trouble + 1 end
  local length = longer(number(ARGV[4]), number(ARGV[5]), trouble)
  -- A /status that gives no answer says nothing for sure of calls: after the hold one feels its way.
  if step == 'away' and asked then
    redis.call('HSET', lane, 'trouble', trouble)
    redis.call('HDEL', lane, 'probe_at')
  else
    redis.call('HSET', lane, 'trouble', trouble, 'probe_at', text(now + length))
  end
  set_hold(lane, now, length, 0)
  tell_trouble(lane, KEYS[3], now)
  ring(KEYS[2], 'state')
  return {'ok', text(length)}
end
if trouble > 0 then
  redis.call('HSET', lane, 'hold', text(hold))
  ring(KEYS[2], 'state')
end
return {'ok', text(math.max(0, hold - now))}
