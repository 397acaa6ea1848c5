-- campaign_name: who accepts a campaign of this name, and under which id.
-- KEYS  1 ids by name · 2 what the heads' keys begin with
-- ARGV  1 name · 2 id if it is new · 3 who accepts · 4 for how long that is so · 5 id of the ended one that is to be
--       done again, or ''
-- gives {'go', id, which accepting} · {'busy', id, ms} · {'there', id} (accepted before)
local now, id = clock(), redis.call('HGET', KEYS[1], ARGV[1])
local state = id and redis.call('HGET', KEYS[2] .. id, 'state')
local follows = ''
if state == 'ready' then
  if ARGV[5] ~= id then return {'there', id} end
  follows = id
  id = redis.call('HGET', KEYS[2] .. follows, 'next')
  state = id and redis.call('HGET', KEYS[2] .. id, 'state')
  if not state then redis.call('HSET', KEYS[2] .. follows, 'next', ARGV[2]) end
end
if not state then
  id = ARGV[2]
  if follows == '' then redis.call('HSET', KEYS[1], ARGV[1], id) end
  redis.call('HSET', KEYS[2] .. id, 'state', 'accepting', 'name', ARGV[1], 'follows', follows, 'created', text(now), 'epoch', 0)
end
local head = KEYS[2] .. id
local h = redis.call('HMGET', head, 'acceptor', 'held', 'epoch')
local held = believe(head, 'held', h[2], now, number(ARGV[4]))
if set(h[1]) and h[1] ~= ARGV[3] and held > now then return {'busy', id, text(held - now)} end
local epoch = number(h[3])
if h[1] ~= ARGV[3] then epoch = epoch + 1 end
redis.call('HSET', head, 'acceptor', ARGV[3], 'held', text(now + number(ARGV[4])), 'epoch', epoch)
redis.call('PEXPIREAT', head, text(now + 604800000)) -- an accepting that nobody ends is forgotten
return {'go', id, text(epoch)}
