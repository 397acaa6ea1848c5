-- campaign_letgo: who was accepting a campaign does so no longer. What is there stays
-- for the next one.
-- KEYS  1 head
-- ARGV  1 who accepted
-- gives {'ok'} · {'lost'} (somebody else does, or it is accepted)
local h = redis.call('HMGET', KEYS[1], 'state', 'acceptor')
if h[1] ~= 'accepting' or h[2] ~= ARGV[1] then return {'lost'} end
redis.call('HSET', KEYS[1], 'held', '0')
return {'ok'}
