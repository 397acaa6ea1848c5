-- flag: change asynq's own flag of a queue, unless somebody else did meanwhile.
-- KEYS  1 flag
-- ARGV  1 what it was ('' when missing) · 2 what it is to be ('' for missing)
-- gives {'ok' | 'changed'}
local is = redis.call('GET', KEYS[1]) or ''
-- A copy of the question comes late, and it was done.
if is == ARGV[2] then return {'ok'} end
if is ~= ARGV[1] then return {'changed'} end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2])
end
return {'ok'}
