-- campaign_apply: bring to a part what its campaign's head says. What the head
-- said earlier never undoes what it said later.
-- KEYS  1 part · 2 the account's campaigns
-- ARGV  1 version of the head · 2 '1': paused · 3 closed as ('', 'X' or 'E') · 4 expires · 5 start
--       6 rows that may go before somebody says on ('0': all) · 7 places of the campaign · 8 keep until
-- gives {'ok'} · {'old'} · {'sweep'} (waiting rows of a closed part must be swept before it opens again)
local part = KEYS[1]
local p = redis.call('HMGET', part, 'version', 'closed', 'w', 'places', 'closed_at', 'r', 'paused')
if number(p[1]) >= number(ARGV[1]) then return {'old'} end
if set(p[2]) and p[2] ~= ARGV[3] and number(p[3]) + number(p[6]) > 0 then return {'sweep'} end
redis.call('HSET', part, 'version', ARGV[1], 'open', '1', 'sealed', '1', 'paused', ARGV[2], 'closed', ARGV[3], 'expires', ARGV[4],
  'start', ARGV[5], 'trial', ARGV[6], 'until', ARGV[8])
if not set(p[4]) then redis.call('HSET', part, 'places', ARGV[7]) end
if set(ARGV[3]) and not set(p[5]) then redis.call('HSET', part, 'closed_at', text(clock())) end
if not set(ARGV[3]) then redis.call('HDEL', part, 'closed_at', 'finished') end
if set(p[7]) and not set(ARGV[2]) then redis.call('HDEL', part, 'last', 'stopped') end -- somebody looked at what stopped it
if (p[7] or '') ~= ARGV[2] or (p[2] or '') ~= ARGV[3] then redis.call('PUBLISH', line_of(part), 'state') end
redis.call('DEL', part .. ':sums')
redis.call('PEXPIREAT', part, ARGV[8])
if not part_rest(part, clock()) then redis.call('ZADD', KEYS[2], 'NX', 0, campaign_of(part)) end
return {'ok'}
