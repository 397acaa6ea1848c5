-- photo_at: what a URL gave when it was last asked.
-- KEYS  1 URL
-- ARGV  1 the longest that anything is fresh
-- gives {hash of the source, ETag, Last-Modified, for how long it is still fresh, whose ETag and Last-Modified they are,
--       for how long it was fresh at first}, nothing when there is no entry (or something that is not ours)
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return false end
local e = redis.call('HMGET', KEYS[1], 'source', 'etag', 'modified', 'fresh', 'of', 'span')
if not set(e[1]) then return false end
local now = clock()
local left = believe(KEYS[1], 'fresh', e[4], now, number(ARGV[1])) - now
return {e[1], e[2] or '', e[3] or '', text(math.max(0, left)), e[5] or '', e[6] or ''}
