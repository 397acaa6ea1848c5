-- Shared by release and settle, behind lane.lua.

-- The answer stands in ten arguments: kind, why, detail, first, most, trip, '1': it may have landed, late, update id,
-- prefix of records.
local function answer_of(i, granted)
  return {
    kind = ARGV[i], why = ARGV[i + 1], detail = ARGV[i + 2], first = number(ARGV[i + 3]), most = number(ARGV[i + 4]),
    trip = number(ARGV[i + 5]), lost = ARGV[i + 6] == '1', late = number(ARGV[i + 7]), id = ARGV[i + 8], prefix = ARGV[i + 9],
    granted = number(granted), record = KEYS[1], lane = KEYS[2], line = KEYS[5], events = KEYS[6],
  }
end

-- The pace counts from the moment the request was written, not from the turn.
local function paced(now, a, planned)
  if a.late <= 0 or number(planned) == 0 then return end
  local at = number(planned) + a.late
  if at > number(redis.call('HGET', a.lane, 'next')) then redis.call('HSET', a.lane, 'next', text(at)) end
end

-- A call that began before the group's newest one and ended after it, perhaps with
-- its own photo on the group: the newest is to be shown again. The group remembers
-- the call that said so last: a copy adds nothing, and says whether it is still to be done.
local function needs_repair(group, repairs, seq, turn, copy)
  local g = redis.call('HMGET', group, 'fence', 'fenced_by', 'late')
  if seq == 0 or number(g[1]) <= seq then return '' end
  local entry = g[1] .. ' ' .. g[2]
  if g[3] == turn then
    if redis.call('SISMEMBER', repairs, entry) == 1 then return '1' end
    return ''
  end
  if copy then return '' end
  redis.call('SADD', repairs, entry)
  redis.call('HSET', group, 'late', turn)
  return '1'
end
