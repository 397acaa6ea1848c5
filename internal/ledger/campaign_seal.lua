-- campaign_seal: a part has all its chunks. Nothing more is put into it by this
-- accepting or an earlier one; what an earlier one left over is removed.
-- KEYS  1 part · 2 the account's campaigns
-- ARGV  1 which accepting · 2 keep until · 3 places of the campaign · 4… chunks that are left over
-- gives {'ok', rows} · {'lost'}
local part, mine = KEYS[1], number(ARGV[1])
if number(redis.call('HGET', part, 'epoch')) > mine then return {'lost'} end
redis.call('HSET', part, 'epoch', mine, 'sealed', '1', 'until', ARGV[2], 'places', ARGV[3])
for i = 4, #ARGV do
  local chunk = ARGV[i]
  local less = 0 - redis.call('STRLEN', part .. ':s:' .. chunk) -- not -0, which is no number to Redis
  redis.call('DEL', part .. ':r:' .. chunk, part .. ':s:' .. chunk)
  redis.call('HDEL', part .. ':sums', chunk)
  redis.call('ZREM', part .. ':chunks', chunk)
  redis.call('ZREM', part .. ':todo', chunk)
  redis.call('HINCRBY', part, 'total', less)
  redis.call('HINCRBY', part, 'w', less)
end
redis.call('PEXPIREAT', part, ARGV[2])
redis.call('ZADD', KEYS[2], 'NX', 0, campaign_of(part)) -- its feeder opens it, should this process not come to that
return {'ok', text(number(redis.call('HGET', part, 'total')))}
