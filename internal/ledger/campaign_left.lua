-- campaign_left: the rows of a chunk that were leaving have landed.
-- KEYS  1 part
-- ARGV  1 chunk · 2 number of the move
-- gives {how many}
local part, key = KEYS[1], KEYS[1] .. ':s:' .. ARGV[1]
if number(redis.call('HGET', part, 'left:' .. ARGV[1])) ~= number(ARGV[2]) then return {'0'} end
local letters, n = (redis.call('GET', key) or ''):gsub('l', 'm')
if n > 0 then
  redis.call('SETRANGE', key, 0, letters)
  redis.call('HINCRBY', part, 'l', -n)
  redis.call('HINCRBY', part, 'm', n)
end
part_rest(part, clock())
return {text(n)}
