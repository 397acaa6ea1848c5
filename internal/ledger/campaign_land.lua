-- campaign_land: rows from another account become a chunk of this part.
-- KEYS  1 part · 2 the account's campaigns
-- ARGV  1 chunk · 2 how many rows · 3 rows
-- gives {'ok' | 'there'}
local part, chunk, count = KEYS[1], ARGV[1], number(ARGV[2])
if redis.call('EXISTS', part .. ':s:' .. chunk) == 1 then return {'there'} end
local kept = redis.call('HGET', part, 'until')
redis.call('SET', part .. ':r:' .. chunk, ARGV[3], 'PXAT', kept)
redis.call('SET', part .. ':s:' .. chunk, string.rep('w', count), 'PXAT', kept)
redis.call('ZADD', part .. ':chunks', chunk, chunk)
redis.call('ZADD', part .. ':todo', chunk, chunk)
redis.call('PEXPIREAT', part .. ':chunks', kept)
redis.call('PEXPIREAT', part .. ':todo', kept)
redis.call('HINCRBY', part, 'total', count)
redis.call('HINCRBY', part, 'w', count)
redis.call('HDEL', part, 'finished')
if not set(redis.call('HGET', part, 'closed')) then redis.call('ZADD', KEYS[2], 'NX', 0, campaign_of(part)) end
return {'ok'}
