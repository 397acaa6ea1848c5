-- campaign_feed: move waiting rows of an account's campaigns to queued, the
-- campaigns in turn. One feeder at a time does so, and asks with the same name
-- again when the answer was lost.
-- KEYS  1 the account's campaigns · 2 feeder · 3 the account's counter
-- ARGV  1 feeder · 2 for how long it stays the one · 3 name of the question · 4 how many rows
--       5… campaigns that must not go on now
-- gives {'held', ms} (another feeder) · {'ok', one line per row: campaign, row, feed, seq}
local now, lease = clock(), number(ARGV[2])
local f = redis.call('HMGET', KEYS[2], 'feeder', 'until', 'asked', 'answer', 'round')
local held = believe(KEYS[2], 'until', f[2], now, 300000)
if set(f[1]) and f[1] ~= ARGV[1] and held > now then return {'held', text(held - now)} end
redis.call('HSET', KEYS[2], 'feeder', ARGV[1], 'until', text(now + lease))
if f[1] == ARGV[1] and f[3] == ARGV[3] then return {'ok', f[4] or ''} end

local resting = {}
for i = 5, #ARGV do resting[ARGV[i]] = true end
local prefix = KEYS[1]:sub(1, -10) .. 'c:'

-- Who was fed longest ago comes first, and gets the odd row.
local able, room = {}, number(ARGV[4])
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local p = redis.call('HMGET', prefix .. id, 'open', 'paused', 'closed', 'expires', 'start', 'w', 'total', 'trial')
  local most = number(p[6])
  if number(p[8]) > 0 then most = math.min(most, number(p[8]) - (number(p[7]) - number(p[6]))) end
  if not p[7] then
    redis.call('ZREM', KEYS[1], id)
  elseif set(p[1]) and not set(p[2]) and not set(p[3]) and now >= number(p[5]) and now < number(p[4]) and most > 0 and not resting[id] then
    able[#able + 1] = {id = id, part = prefix .. id, most = most, share = 0}
  end
end
local given = true
while room > 0 and given do
  given = false
  for _, c in ipairs(able) do
    if room > 0 and c.share < c.most then
      c.share, room, given = c.share + 1, room - 1, true
    end
  end
end

-- A campaign takes its places in the account's order when it is fed first, and
-- rows that came from another account when they are.
local function base_of(part, chunk)
  local s = redis.call('HMGET', part, 'seq', 'places', 'seq:' .. text(chunk))
  if s[3] then return number(s[3]) end
  local places = number(s[2])
  if chunk * WIDTH >= places then
    local base = redis.call('INCRBY', KEYS[3], WIDTH) - WIDTH - chunk * WIDTH
    redis.call('HSET', part, 'seq:' .. text(chunk), text(base))
    return base
  end
  if s[1] then return number(s[1]) end
  local base = redis.call('INCRBY', KEYS[3], text(places)) - places
  redis.call('HSET', part, 'seq', text(base))
  return base
end

local lines = {}
local function take(c, chunk)
  local key = c.part .. ':s:' .. text(chunk)
  local letters = redis.call('GET', key) or ''
  local at = letters:find('w', 1, true)
  local feeds = at and row_room(c.part, ':f:', chunk, FEED)
  local base = at and base_of(c.part, chunk)
  while at and c.share > 0 do
    local row, place = chunk * WIDTH + at, (at - 1) * FEED
    local feed = unpacked(redis.call('GETRANGE', feeds, place, place + FEED - 1)) + 1
    redis.call('SETRANGE', feeds, place, packed(feed))
    redis.call('SETRANGE', key, at - 1, 'q')
    redis.call('ZADD', c.part .. ':fed', text(now), text(row))
    lines[#lines + 1] = c.id .. ' ' .. text(row) .. ' ' .. text(feed) .. ' ' .. text(base + row)
    c.share, c.took = c.share - 1, (c.took or 0) + 1
    at = letters:find('w', at + 1, true)
  end
  if not at then redis.call('ZREM', c.part .. ':todo', text(chunk)) end
end
local round = number(f[5])
for _, c in ipairs(able) do
  while c.share > 0 do
    local first = redis.call('ZRANGE', c.part .. ':todo', 0, 0)
    if not first[1] then break end
    take(c, number(first[1]))
  end
  if c.took then
    redis.call('HINCRBY', c.part, 'w', -c.took)
    redis.call('HINCRBY', c.part, 'q', c.took)
    redis.call('PEXPIREAT', c.part .. ':fed', redis.call('HGET', c.part, 'until'))
    round = round + 1
    redis.call('ZADD', KEYS[1], text(round), c.id)
  end
end
local answer = table.concat(lines, '\n')
redis.call('HSET', KEYS[2], 'asked', ARGV[3], 'answer', answer, 'round', text(round))
return {'ok', answer}
