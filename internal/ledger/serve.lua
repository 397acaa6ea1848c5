-- serve: a worker process says which accounts it serves, or that it no longer does.
-- KEYS  1 accounts: name → when it was served last · 2 serving: name and process → when it said so last
-- ARGV  1 process · 2 '' or '1': it stops · 3 forget processes that are silent for so long · 4… names
local now = clock()
for i = 4, #ARGV do
  local one = ARGV[i] .. ' ' .. ARGV[1]
  redis.call('HSET', KEYS[1], ARGV[i], text(now))
  if ARGV[2] == '1' then
    redis.call('HDEL', KEYS[2], one)
  else
    redis.call('HSET', KEYS[2], one, text(now))
  end
end
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  if number(all[i + 1]) < now - number(ARGV[3]) then redis.call('HDEL', KEYS[2], all[i]) end
end
return text(now)
