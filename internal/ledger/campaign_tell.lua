-- campaign_tell: one event of a campaign for people outside, each once.
-- KEYS  1 part of the campaign's first account · 2 lane · 3 events · 4 outcomes
-- ARGV  1 type · 2 which of this type it is · 3 data · 4 campaign · 5 name · 6 state, when it has ended · 7 keep outcomes for
-- gives {'1': it is told now | ''}
local told = 'told ' .. ARGV[1]
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HGET', KEYS[1], told) == ARGV[2] then return {''} end
redis.call('HSET', KEYS[1], told, ARGV[2])
local id = redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'type', ARGV[1], 'data', ARGV[3])
redis.call('HSET', KEYS[2], 'event', id)
if ARGV[6] ~= '' then
  redis.call('XADD', KEYS[4], 'MINID', '~', text(clock() - number(ARGV[7])), '*',
    'campaign', ARGV[4], 'name', ARGV[5], 'state', ARGV[6])
end
return {'1'}
