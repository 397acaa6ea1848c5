-- register: enter updates into the ledger before their tasks are enqueued.
-- KEYS  1 the account's counter · 2… one record per update
-- ARGV  per update: fingerprint, payload, due (0: now), keep until
-- gives per update its seq when it is new (0: drawn when due) · {'again', seq, payload, due, enqueued, expires} (accepted
--       before, not ended; the last two only when it was sent again) · {'ended', outcome} · {'reused'} (the id stands for something else)
local count = #KEYS - 1
local last = redis.call('INCRBY', KEYS[1], count)
local answers = {}
for i = 1, count do
  local key, a = KEYS[i + 1], (i - 1) * 4
  local fingerprint, due = ARGV[a + 1], number(ARGV[a + 3])
  local print = redis.call('HGET', key, 'print')
  if not print then
    -- Scheduled updates take their place in the order when they are due.
    local seq = 0
    if due == 0 then seq = last - count + i end
    redis.call('HSET', key, 'print', fingerprint, 'seq', seq, 'payload', ARGV[a + 2])
    if due > 0 then redis.call('HSET', key, 'due', ARGV[a + 3]) end
    redis.call('PEXPIREAT', key, ARGV[a + 4])
    answers[i] = seq
  elseif print ~= fingerprint then
    answers[i] = {'reused'}
  else
    local old = redis.call('HMGET', key, 'outcome', 'seq', 'payload', 'due', 'enqueued', 'expires')
    if set(old[1]) then
      answers[i] = {'ended', old[1]}
    else
      answers[i] = {'again', old[2] or '0', old[3], old[4] or '0', old[5] or '0', old[6] or '0'}
    end
  end
end
return answers
