-- campaign_leave: rows of a chunk that have not ended, and are not being called,
-- leave for another account. Until they have landed there they are counted nowhere.
-- KEYS  1 part
-- ARGV  1 chunk · 2 number of the move
-- gives {letters of the chunk: 'l' are those that leave} · {'closed'} · {'over'} (a later move has begun)
local part, chunk = KEYS[1], ARGV[1]
local key = part .. ':s:' .. chunk
local letters = redis.call('GET', key) or ''
-- Who leaves is decided once: the chunk they land in is written once.
local before = number(redis.call('HGET', part, 'left:' .. chunk))
if before > number(ARGV[2]) then return {'over'} end
if before == number(ARGV[2]) then return {letters} end
if set(redis.call('HGET', part, 'closed')) then return {'closed'} end
redis.call('HSET', part, 'left:' .. chunk, ARGV[2])
local from, count = {}, 0
local changed = letters:gsub('()([wqr])', function(at, letter)
  from[letter] = (from[letter] or 0) + 1
  count = count + 1
  if letter ~= 'w' then -- what it has spent was the other account's
    local row = text(number(chunk) * WIDTH + at)
    redis.call('ZREM', part .. (letter == 'r' and ':later' or ':fed'), row)
    redis.call('DEL', record_of(part, number(row)))
  end
  return 'l'
end)
if count == 0 then return {letters} end
redis.call('SETRANGE', key, 0, changed)
for letter, n in pairs(from) do redis.call('HINCRBY', part, letter, -n) end
redis.call('HINCRBY', part, 'total', -count)
redis.call('HINCRBY', part, 'l', count)
redis.call('ZREM', part .. ':todo', chunk)
return {changed}
