-- campaign_again: let ended rows of a chunk wait again, as one more pass. How they
-- ended stays in a copy of the chunk under the number of the pass.
-- KEYS  1 part · 2 the account's campaigns
-- ARGV  1 chunk · 2 pass · 3 letters ('-': none, only keep the chunk longer) · 4 keep until · 5 reason of those cancelled and 6 expired with others
--       7… reasons (none: whatever the reason)
-- gives {how many rows}
local part, chunk, pass = KEYS[1], ARGV[1], ARGV[2]
local letters = redis.call('GET', part .. ':s:' .. chunk) or ''
for _, kind in ipairs({':r:', ':s:', ':f:', ':d:'}) do redis.call('PEXPIREAT', part .. kind .. chunk, ARGV[4]) end
for _, kind in ipairs({'', ':chunks', ':todo', ':later', ':index', ':words', ':why'}) do redis.call('PEXPIREAT', part .. kind, ARGV[4]) end
if redis.call('EXISTS', part .. ':s:' .. chunk .. ':' .. pass) == 1 then return {'0'} end

local wanted, any = {}, #ARGV == 6
for i = 7, #ARGV do wanted[ARGV[i]] = true end
local ends = redis.call('GET', part .. ':d:' .. chunk) or ''
local words, none = {}, string.rep('\0', END)
local function reason_of(at, letter)
  local how = ends:sub((at - 1) * END + 1, at * END)
  if how == '' or how == none then return letter == 'X' and ARGV[5] or letter == 'E' and ARGV[6] or '' end -- closed with others
  local n = unpacked(how:sub(17, 19))
  if n == 0 then return '' end
  words[n] = words[n] or redis.call('HGET', part .. ':words', n) or ''
  return words[n]
end

local from, less, count = {}, {}, 0
local changed = letters:gsub('()([' .. ARGV[3] .. '])', function(at, letter)
  local reason = reason_of(at, letter)
  if not any and not wanted[reason] then return nil end
  from[letter] = (from[letter] or 0) + 1
  if reason ~= '' then less[letter .. reason] = (less[letter .. reason] or 0) + 1 end
  count = count + 1
  return 'w'
end)
if count == 0 then return {'0'} end
redis.call('SET', part .. ':s:' .. chunk .. ':' .. pass, letters, 'PXAT', ARGV[4])
if ends ~= '' then redis.call('SET', part .. ':d:' .. chunk .. ':' .. pass, ends, 'PXAT', ARGV[4]) end
local feeds = redis.call('GET', part .. ':f:' .. chunk) or ''
for at = 1, #letters do
  if letters:byte(at) ~= changed:byte(at) then
    if ends ~= '' then redis.call('SETRANGE', part .. ':d:' .. chunk, (at - 1) * END, none) end
    -- What is still on its way from the earlier pass must find itself stale.
    local feed = unpacked(feeds:sub((at - 1) * FEED + 1, at * FEED))
    if feed > 0 then redis.call('SETRANGE', part .. ':f:' .. chunk, (at - 1) * FEED, packed(feed + 1)) end
  end
end
redis.call('SETRANGE', part .. ':s:' .. chunk, 0, changed)
for letter, n in pairs(from) do redis.call('HINCRBY', part, letter, -n) end
for why, n in pairs(less) do
  if redis.call('HINCRBY', part .. ':why', why, -n) == 0 then redis.call('HDEL', part .. ':why', why) end
end
redis.call('HINCRBY', part, 'w', count)
redis.call('HSET', part, 'until', ARGV[4], 'pass', pass)
redis.call('HDEL', part, 'finished', 'last', 'stopped')
redis.call('ZADD', part .. ':todo', chunk, chunk)
redis.call('PEXPIREAT', part .. ':todo', ARGV[4])
redis.call('ZADD', KEYS[2], 'NX', 0, campaign_of(part))
return {text(count)}
