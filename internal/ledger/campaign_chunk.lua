-- campaign_chunk: put chunks of rows into a part that is being accepted.
-- KEYS  1 part
-- ARGV  1 which accepting of the campaign this is · 2 keep until · per chunk: number, how many rows, digest, rows
-- gives {'ok'} · {'lost'} (a later accepting has taken over, or this one is over)
local part, mine = KEYS[1], number(ARGV[1])
local p = redis.call('HMGET', part, 'epoch', 'sealed')
if number(p[1]) > mine or (number(p[1]) == mine and set(p[2])) then return {'lost'} end
redis.call('HSET', part, 'epoch', mine, 'until', ARGV[2])
redis.call('HDEL', part, 'sealed')
for i = 3, #ARGV, 4 do
  local chunk, count = ARGV[i], number(ARGV[i + 1])
  local more = count - redis.call('STRLEN', part .. ':s:' .. chunk)
  redis.call('SET', part .. ':r:' .. chunk, ARGV[i + 3], 'PXAT', ARGV[2])
  redis.call('SET', part .. ':s:' .. chunk, string.rep('w', count), 'PXAT', ARGV[2])
  redis.call('HSET', part .. ':sums', chunk, ARGV[i + 2])
  redis.call('ZADD', part .. ':chunks', chunk, chunk)
  redis.call('ZADD', part .. ':todo', chunk, chunk)
  redis.call('HINCRBY', part, 'total', more)
  redis.call('HINCRBY', part, 'w', more)
end
for _, key in ipairs({part, part .. ':sums', part .. ':chunks', part .. ':todo'}) do
  redis.call('PEXPIREAT', key, ARGV[2])
end
return {'ok'}
