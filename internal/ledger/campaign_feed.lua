-- campaign_feed: move rows of an account's campaigns to queued, the campaigns in
-- turn: of each first the retrying ones that are due, then the waiting ones, and when
-- no more of those may go, the retrying ones that are to be the last. One feeder at
-- a time does so, and asks with the same name again when the answer was lost.
-- KEYS  1 the account's campaigns · 2 feeder · 3 the account's counter
-- ARGV  1 feeder · 2 for how long it stays the one · 3 name of the question · 4 how many rows · 5 how many may be queued
--       at a time · 6 '1': only the campaigns that follow · 7… per campaign: id, until when it may go on ('0': it may
--       not now, '': for ever), how many bad ends of the last 50 stop it ('0': none do)
-- gives {'held', ms} (another feeder) · {'ok', one line per row: campaign, row, feed, seq · '1': somebody else fed last}
local now, lease = clock(), number(ARGV[2])
local f = redis.call('HMGET', KEYS[2], 'feeder', 'until', 'asked', 'answer', 'round')
local held = believe(KEYS[2], 'until', f[2], now, 300000)
if set(f[1]) and f[1] ~= ARGV[1] and held > now then return {'held', text(held - now)} end
local taken = set(f[1]) and f[1] ~= ARGV[1] and '1' or ''
redis.call('HSET', KEYS[2], 'feeder', ARGV[1], 'until', text(now + lease))
if f[1] == ARGV[1] and f[3] == ARGV[3] then return {'ok', f[4] or '', ''} end

local shuts, stops, only = {}, {}, ARGV[6] == '1'
for i = 7, #ARGV, 3 do shuts[ARGV[i]], stops[ARGV[i]] = ARGV[i + 1], ARGV[i + 2] end
local prefix = KEYS[1]:sub(1, -10) .. 'c:'

-- So many retrying rows keep their records at most, before the last ones go too.
local MOST_LAST = 5000

-- Who was fed longest ago comes first, and gets the odd row.
local able, room = {}, number(ARGV[5])
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local part = prefix .. id
  local p = redis.call('HMGET', part, 'open', 'paused', 'closed', 'expires', 'start', 'w', 'total', 'trial', 'q', 'r', 'shuts',
    'stop_at', 'stopped', 'known')
  room = room - number(p[9])
  if not p[7] then
    redis.call('ZREM', KEYS[1], id)
  elseif set(p[1]) and not set(p[2]) and not set(p[3]) and not set(p[13]) and now >= number(p[5]) and now < number(p[4])
    and shuts[id] ~= '0' and (shuts[id] or not only) then
    local c = {id = id, part = part, first = number(p[6]), due = 0, last = 0, share = 0, took = {w = 0, r = 0}}
    if number(p[8]) > 0 then c.first = math.max(0, math.min(c.first, number(p[8]) - (number(p[7]) - c.first - number(p[14])))) end
    if number(p[10]) > 0 then
      c.due = redis.call('ZCOUNT', part .. ':later', '-inf', text(now))
      if c.first == 0 or number(p[10]) > MOST_LAST then c.last = redis.call('ZCOUNT', part .. ':later', text(LAST), text(LAST + now)) end
    end
    c.most = c.due + c.first + c.last
    if c.most > 0 then able[#able + 1] = c end
    if stops[id] and (p[12] or '0') ~= stops[id] then redis.call('HSET', part, 'stop_at', stops[id]) end
    if set(shuts[id]) and p[11] ~= shuts[id] then redis.call('HSET', part, 'shuts', shuts[id]) end
  end
end
room = math.min(room, number(ARGV[4]))
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
local function feed(c, row, from, feeds, letters, base)
  local chunk, at = place_of(row)
  local number_of = unpacked(redis.call('GETRANGE', feeds, at * FEED, at * FEED + FEED - 1)) + 1
  redis.call('SETRANGE', feeds, at * FEED, packed(number_of))
  redis.call('SETRANGE', letters, at, 'q')
  redis.call('ZADD', c.part .. ':fed', text(now), text(row))
  lines[#lines + 1] = c.id .. ' ' .. text(row) .. ' ' .. text(number_of) .. ' ' .. text(base + row)
  c.share, c.took[from] = c.share - 1, c.took[from] + 1
end

-- Retrying rows whose due time lies in a range.
local function take_later(c, from, to)
  for _, row in ipairs(redis.call('ZRANGEBYSCORE', c.part .. ':later', from, to, 'LIMIT', 0, c.share)) do
    redis.call('ZREM', c.part .. ':later', row)
    row = number(row)
    local chunk = place_of(row)
    if row_look(c.part, row) == 'r' then
      feed(c, row, 'r', row_room(c.part, ':f:', chunk, FEED), c.part .. ':s:' .. text(chunk), base_of(c.part, chunk))
    end
  end
end

local function take_chunk(c, chunk, most)
  local key = c.part .. ':s:' .. text(chunk)
  local letters = redis.call('GET', key) or ''
  local at = letters:find('w', 1, true)
  local feeds = at and row_room(c.part, ':f:', chunk, FEED)
  local base = at and base_of(c.part, chunk)
  while at and c.took.w < most do
    feed(c, chunk * WIDTH + at, 'w', feeds, key, base)
    at = letters:find('w', at + 1, true)
  end
  if not at then redis.call('ZREM', c.part .. ':todo', text(chunk)) end
end

local round = number(f[5])
for _, c in ipairs(able) do
  if c.due > 0 and c.share > 0 then take_later(c, '-inf', text(now)) end
  local most = math.min(c.first, c.share)
  while c.took.w < most do
    local first = redis.call('ZRANGE', c.part .. ':todo', 0, 0)
    if not first[1] then break end
    take_chunk(c, number(first[1]), most)
  end
  if c.last > 0 and c.share > 0 then take_later(c, text(LAST), text(LAST + now)) end
  local took = c.took.w + c.took.r
  if took > 0 then
    redis.call('HINCRBY', c.part, 'w', 0 - c.took.w) -- not -0, which is no number to Redis
    redis.call('HINCRBY', c.part, 'r', 0 - c.took.r)
    redis.call('HINCRBY', c.part, 'q', took)
    redis.call('PEXPIREAT', c.part .. ':fed', redis.call('HGET', c.part, 'until'))
    round = round + 1
    redis.call('ZADD', KEYS[1], text(round), c.id)
  end
end
local answer = table.concat(lines, '\n')
redis.call('HSET', KEYS[2], 'asked', ARGV[3], 'answer', answer, 'round', text(round))
return {'ok', answer, taken}
