-- Shared by the scripts that end a call or change how an account stands.
--
-- Two things keep an account from calling: an operator's pause (paused…), and
-- trouble. Trouble has an owner: 'account' when the provider said that the account
-- cannot work, 'breaker' when it gave no usable answer several times in a row. It
-- never has both: a provider that speaks about the account can be reached.
--
--   trouble       how often in a row it was found, 0 or missing: none
--   hold          nobody calls before; then one call at a time feels its way
--   held_at       when hold was set last: calls granted before say nothing about its end
--   held_for      how long hold lasted then, to cut it after a jump of the clock
--   probe_at      when /status is to be asked next; missing: a probe is not due
--   probing       who asks /status just now, and until when at most; nobody calls meanwhile
--   suspect       the first update whose answer told of the trouble, suspects: how many did
--   suspect_hold  suspects do not call before, others may from hold on; who is one has the trouble's since in its
--                 record's suspected
--   suspect_for   how long suspect_hold lasted, as held_for
--   explained     '1': /status said so too, and nobody is a suspect
--   told          '1': people have been told that the account is paused
--   well_at       when trouble ended last
--   free_at       when a turn ended last while other processes waited for it
--
-- Slowing down is apart from both: rest is when the provider wants to see the next
-- call at the soonest, widen (in thousandths) what the gap is multiplied with.

local most_rest, most_widen, least_gap = 3600000, 16000, 500

-- Who listens to an account hears of turns that became free and of changes.
local function ring(line, what)
  redis.call('PUBLISH', line, what)
end

-- End a turn: the account's in-flight limit and the group's order let go of it.
-- Other processes that wait in line are told.
local function end_turn(lane, turns, group, turn, line, process)
  if not set(turn) then return end
  local held = redis.call('ZREM', turns, turn)
  if redis.call('HGET', group, 'turn') == turn then
    redis.call('HDEL', group, 'turn', 'lease')
  end
  if held == 0 then return end
  local others = redis.call('HLEN', line)
  if others > 0 then
    others = others - redis.call('HEXISTS', line, process .. ' single') - redis.call('HEXISTS', line, process .. ' bulk')
  end
  if others > 0 then
    redis.call('HSET', lane, 'free_at', text(clock()))
    ring(line, 'turn')
  end
end

-- Who ends or steps aside without a turn no longer stands in line for its process:
-- else campaign rows would wait for a single update that is gone.
local function leave_line(line, process, id)
  for _, class in ipairs({' single', ' bulk'}) do
    local entry = redis.call('HGET', line, process .. class)
    if entry and string.match(entry, '^%d+ %d+ (.*)$') == id then redis.call('HDEL', line, process .. class) end
  end
end

-- One event for people outside: 'paused' or 'resumed', by whom and why.
local function tell(lane, events, kind, now, owner, why, detail, since, by)
  local id = redis.call('XADD', events, 'MAXLEN', '~', 10000, '*', 'type', kind, 'owner', owner or '', 'reason', why or '',
    'detail', detail or '', 'since', text(since), 'by', by or '')
  redis.call('HSET', lane, 'event', id)
end

local function tell_trouble(lane, events, now)
  local l = redis.call('HMGET', lane, 'told', 'owner', 'why', 'detail', 'since')
  if l[1] == '1' then return end
  redis.call('HSET', lane, 'told', '1')
  tell(lane, events, 'paused', now, l[2], l[3], l[4], number(l[5]))
end

-- The trouble is another owner's from now on: for people one has ended, and the
-- other is told of when it is more than a suspicion.
local function own_trouble(lane, events, now, owner)
  local l = redis.call('HMGET', lane, 'owner', 'told', 'why', 'since')
  if l[1] and l[1] ~= owner and l[2] == '1' then
    redis.call('HDEL', lane, 'told')
    tell(lane, events, 'resumed', now, l[1], l[3], '', number(l[4]))
  end
  redis.call('HSET', lane, 'owner', owner)
end

local function end_trouble(lane, line, events, now)
  local l = redis.call('HMGET', lane, 'told', 'owner', 'why', 'since')
  redis.call('HDEL', lane, 'trouble', 'owner', 'hold', 'held_at', 'held_for', 'probe_at', 'suspect', 'suspects', 'suspect_hold', 'suspect_for',
    'explained', 'told', 'why', 'detail', 'since', 'fails', 'fail_id', 'probing')
  redis.call('HSET', lane, 'well_at', text(now))
  if l[1] == '1' then tell(lane, events, 'resumed', now, l[2], l[3], '', number(l[4])) end
  ring(line, 'state')
end

-- Hold everybody for the n-th time in a row: first × 2ⁿ⁻¹, at most most.
local function longer(first, most, trouble)
  return math.min(first * 2 ^ math.min(math.max(trouble, 1) - 1, 20), most)
end

local function set_hold(lane, now, length, suspects_too)
  redis.call('HSET', lane, 'hold', text(now + length), 'held_at', text(now), 'held_for', text(length),
    'suspect_hold', text(now + length + suspects_too), 'suspect_for', text(length + suspects_too))
end

-- The provider wants slower calls: at once wider gaps, for each answer once. Calls
-- that were under way together tell of the same.
local function widen(lane, now, granted, factor, why)
  local l = redis.call('HMGET', lane, 'widen', 'widened_at')
  if granted <= believe(lane, 'widened_at', l[2], now, 0) then return end
  local w = math.min(math.max(number(l[1]), 1000) * factor, most_widen)
  redis.call('HSET', lane, 'widen', text(w), 'widened_at', text(now), 'widened_why', why)
end

-- A photo that was accepted narrows the gap a little, back to the configured one.
local function narrow(lane)
  local w = number(redis.call('HGET', lane, 'widen'))
  if w == 0 then return end
  w = w * 0.95
  if w < 1050 then
    redis.call('HDEL', lane, 'widen', 'widened_at', 'widened_why')
  else
    redis.call('HSET', lane, 'widen', text(w))
  end
end

-- Another update got a normal answer: what the suspect was told is its own, unless
-- it has ended or was sent again since. Its record is in the same slot as all of
-- the account's.
local function convict(prefix, id, since)
  local record = prefix .. id
  if since and redis.call('HGET', record, 'suspected') == since then
    redis.call('HINCRBY', record, 'guilty', 1)
    redis.call('HINCRBY', record, 'spent', 1)
  end
end

-- What an answer says of the account; a.kind is
--   'true', 'false', 'normal' (some other answer about this very update),
--   'throttled', 'account', 'failing', or '' (nothing).
-- a: kind, why, detail, first, most (of a hold or rest), trip (failures in a row), lost, id, granted, prefix,
--    lane, line, events
local function answered(now, a, longest)
  local lane = a.lane
  if a.kind == '' then return end
  if a.lost then redis.call('HINCRBY', lane, 'unanswered', 1) end
  local l = redis.call('HMGET', lane, 'trouble', 'owner', 'hold', 'held_at', 'held_for', 'suspect', 'suspects', 'explained', 'fails',
    'status_at', 'since', 'well_at')
  local trouble, owner, held_at = number(l[1]), l[2], believe(lane, 'held_at', l[4], now, 0)
  local hold = believe(lane, 'hold', l[3], now, math.min(number(l[5]), longest))
  local after = a.granted > held_at

  if a.kind == 'true' or a.kind == 'false' or a.kind == 'normal' then
    redis.call('HDEL', a.record, 'suspected', 'guilty')
    if a.kind == 'true' then
      narrow(lane)
      redis.call('HDEL', lane, 'falses')
    elseif a.kind == 'false' and redis.call('HINCRBY', lane, 'falses', 1) >= 3 then
      -- Sister services answer throttled calls with a plain false.
      redis.call('HDEL', lane, 'falses')
      widen(lane, now, a.granted, 1.5, 'refusals')
    end
    if trouble > 0 and after then
      if owner == 'account' and l[7] == '1' and l[8] ~= '1' and l[6] ~= a.id then convict(a.prefix, l[6], l[11]) end
      end_trouble(lane, a.line, a.events, now)
    elseif trouble == 0 and number(l[9]) > 0 then
      redis.call('HDEL', lane, 'fails', 'fail_id')
    end
    return
  end

  if a.kind == 'throttled' then
    widen(lane, now, a.granted, 2, a.why)
    local rest = now + math.min(a.first, most_rest)
    if rest > number(redis.call('HGET', lane, 'rest')) then redis.call('HSET', lane, 'rest', text(rest)) end
    redis.call('HDEL', lane, 'fails', 'fail_id')
    return
  end

  if a.kind == 'failing' then
    -- Updates that fail again and again say nothing of the others: each counts once.
    if trouble == 0 then
      local failed = redis.call('HGET', lane, 'fail_id') or ' '
      if string.find(failed, ' ' .. a.id .. ' ', 1, true) then return end
      redis.call('HSET', lane, 'fail_id', failed .. a.id .. ' ')
      if redis.call('HINCRBY', lane, 'fails', 1) < a.trip then return end
      redis.call('HSET', lane, 'owner', 'breaker', 'since', text(now))
    elseif not after or hold > now then
      return
    end
    trouble = trouble + 1
    local length = longer(a.first, a.most, trouble)
    redis.call('HSET', lane, 'trouble', trouble, 'probe_at', text(now + length))
    if owner ~= 'account' then redis.call('HSET', lane, 'why', a.why, 'detail', a.detail) end
    set_hold(lane, now, length, 0)
    tell_trouble(lane, a.events, now)
    ring(a.line, 'state')
    return
  end

  -- account: the provider says that the account cannot work. A call from before
  -- trouble ended tells of that trouble, and nothing of how things stand now.
  if trouble == 0 and a.granted < believe(lane, 'well_at', l[12], now, 0) then return end
  if trouble == 0 and number(redis.call('HGET', a.record, 'guilty')) > 0 then
    -- It said so before of this very update while others went through, and since then
    -- nobody else has heard it. There need not be others left to try it once more.
    redis.call('HINCRBY', a.record, 'guilty', 1)
    redis.call('HINCRBY', a.record, 'spent', 1)
    return
  end
  local suspects = number(l[7])
  local known = l[6] == a.id
  if trouble == 0 or owner ~= 'account' then
    if trouble == 0 then
      l[11] = text(now)
      redis.call('HSET', lane, 'since', l[11])
    end
    trouble, suspects, hold = trouble + 1, 1, 0
    own_trouble(lane, a.events, now, 'account')
    redis.call('HSET', lane, 'suspect', a.id)
    redis.call('HDEL', lane, 'explained', 'fails', 'fail_id')
    l[8] = ''
  else
    if hold <= now then trouble = trouble + 1 end
    if not known then
      suspects = suspects + 1
      if suspects == 1 then redis.call('HSET', lane, 'suspect', a.id) end
    end
  end
  redis.call('HSET', a.record, 'suspected', l[11] or '')
  local length = longer(a.first, a.most, trouble)
  local lone = suspects == 1 and l[8] ~= '1'
  redis.call('HSET', lane, 'trouble', trouble, 'suspects', suspects, 'why', a.why, 'detail', a.detail)
  if lone and now - number(l[10]) < 60000 and now >= number(l[10]) then
    -- /status said within the last minute that all is well: others go on at once.
    set_hold(lane, now, 0, length)
    redis.call('HDEL', lane, 'probe_at')
  elseif lone then
    set_hold(lane, now, length, 0)
    redis.call('HSET', lane, 'probe_at', text(now))
  elseif hold < now + length then
    set_hold(lane, now, length, 2000)
    redis.call('HSET', lane, 'probe_at', text(now + length))
  end
  if not lone or trouble > 1 then tell_trouble(lane, a.events, now) end
  ring(a.line, 'state')
end

-- What people and the worker are told after an answer.
local function standing(lane, now, longest)
  local l = redis.call('HMGET', lane, 'hold', 'held_for', 'trouble', 'suspect_hold', 'rest', 'suspect_for')
  local hold = believe(lane, 'hold', l[1], now, math.min(number(l[2]), longest))
  local suspect = believe(lane, 'suspect_hold', l[4], now, math.min(number(l[6]), longest))
  return text(math.max(0, hold - now)), tostring(number(l[3])), text(math.max(0, suspect - now)),
    text(math.max(0, believe(lane, 'rest', l[5], now, most_rest) - now))
end
