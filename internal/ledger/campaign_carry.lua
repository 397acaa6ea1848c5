-- campaign_carry: a move of rows between accounts begins or is done. One at a time
-- goes on in a campaign; the chunks they land in are set aside first.
-- KEYS  1 head · 2 log
-- ARGV  1 'begin' · 'go on' with one that is not done · 'done' · 2 from · 3 to · 4 chunks at most · 5 by
-- gives {'ok', number of the move, first chunk, chunks} · {'busy', from, to} · {'over'} · {'unknown'}
local head = KEYS[1]
local h = redis.call('HMGET', head, 'state', 'moving', 'moves', 'places', 'accounts')
if h[1] ~= 'ready' then return {'unknown'} end
local route = ARGV[2] .. ' ' .. ARGV[3]
if set(h[2]) then
  local under_way, n, first, chunks = h[2]:match('^(%S+ %S+) (%d+) (%d+) (%d+)$')
  if under_way ~= route then return {'busy', under_way:match('^(%S+) (%S+)$')} end
  if ARGV[1] == 'done' then redis.call('HSET', head, 'moving', '') end
  return {'ok', n, first, chunks}
end
if ARGV[1] ~= 'begin' then return {'over'} end
local n, first = number(h[3]) + 1, math.floor(number(h[4]) / WIDTH)
local known = ' ' .. h[5] .. ' '
local accounts = h[5]
if not known:find(' ' .. ARGV[3] .. ' ', 1, true) then accounts = accounts .. ' ' .. ARGV[3] end
redis.call('HSET', head, 'moving', route .. ' ' .. n .. ' ' .. text(first) .. ' ' .. ARGV[4], 'moves', n,
  'places', text((first + number(ARGV[4])) * WIDTH), 'accounts', accounts)
redis.call('HINCRBY', head, 'version', 1)
redis.call('RPUSH', KEYS[2], text(clock()) .. ' move ' .. ARGV[5] .. '\t' .. route)
return {'ok', text(n), text(first), ARGV[4]}
