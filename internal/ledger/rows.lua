-- Shared by the scripts that touch rows of campaigns; it follows common.lua. A
-- part is what one account has of a campaign: a hash with flags and counters under
-- its own key, and beside it, for every chunk of rows,
--   <part>:r:<chunk>  the rows, packed by Go and never changed
--   <part>:s:<chunk>  one letter per row: where it stands
--   <part>:f:<chunk>  3 bytes per row: its feed number; absent until one is fed
--   <part>:d:<chunk>  28 bytes per row: how it ended; absent until one has
-- and for all of them <part>:chunks and :todo (chunks, and those with waiting rows),
-- :fed (rows under way, by when there was last news of them), :later (retrying rows,
-- by when they are due), :index and :words (texts by number), :why (ends by letter
-- and reason). All share the account's slot.
-- Letters: w waiting · q queued, it has a task · c calling, it has one · r retrying:
-- it was tried, has no task and is fed again · U updated · R refused · F failed ·
-- S superseded · N unchanged · E expired · X cancelled · l leaving for another account
-- · m there. The counters are named by letters; those of l and m are not of the total.
-- In a closed part a waiting or retrying row counts as what closed it.
-- A row has a record, as updates have, from its first claim to its end, whatever its
-- feeds: what it has spent stays known. One that was not called needs none to wait.
local WIDTH, FEED, END = 1000, 3, 28
local UNDER_WAY = {q = true, c = true}
-- A retrying row's due time is not believed beyond this; one that goes after all
-- first tries has LAST added to it.
local MOST_LATER, LAST = 21600000, 1e14
local ENDED = {U = true, R = true, F = true, S = true, N = true, E = true, X = true}
local MOST_DETAILS = 4096

local function place_of(row)
  return math.floor((row - 1) / WIDTH), (row - 1) % WIDTH
end

-- Numbers of three bytes in strings, the lowest byte first.
local function packed(n)
  return string.char(n % 256, math.floor(n / 256) % 256, math.floor(n / 65536) % 256)
end

local function unpacked(text)
  local n = 0
  for i = #text, 1, -1 do n = n * 256 + text:byte(i) end
  return n
end

-- Where a row stands, and its feed number; '' for a row that there is none of.
local function row_look(part, row)
  local chunk, at = place_of(row)
  local letter = redis.call('GETRANGE', part .. ':s:' .. text(chunk), at, at)
  return letter, unpacked(redis.call('GETRANGE', part .. ':f:' .. text(chunk), at * FEED, at * FEED + FEED - 1))
end

-- The whole length at once: grown bit by bit it would take twice the memory.
local function row_room(part, kind, chunk, width)
  local key = part .. kind .. text(chunk)
  if redis.call('EXISTS', key) == 0 then
    redis.call('SETRANGE', key, redis.call('STRLEN', part .. ':s:' .. text(chunk)) * width - 1, '\0')
    redis.call('PEXPIREAT', key, redis.call('HGET', part, 'until'))
  end
  return key
end

local function row_put(part, row, from, to)
  local chunk, at = place_of(row)
  redis.call('SETRANGE', part .. ':s:' .. text(chunk), at, to)
  redis.call('HINCRBY', part, from, -1)
  redis.call('HINCRBY', part, to, 1)
end

-- The account's list of campaigns that have rows left.
local function campaigns_of(part)
  return part:match('^(.*:)c:') .. 'campaigns'
end

-- Who serves the account listens here.
local function line_of(part)
  return part:match('^(.*:)c:') .. 'line'
end

local function campaign_of(part)
  return part:match(':c:(.*)$')
end

local function record_of(part, row)
  return part:match('^(.*:)c:') .. 'u:' .. campaign_of(part) .. '.' .. text(row)
end

-- When nothing is left to do in a part, its account need not look at it. Says so.
local function part_rest(part, now)
  local n = redis.call('HMGET', part, 'w', 'q', 'c', 'r', 'closed', 'finished')
  local under_way, waiting = number(n[2]) + number(n[3]), number(n[1]) + number(n[4])
  if under_way > 0 or (waiting > 0 and not set(n[5])) then return false end
  -- What waits in a closed part is still to be swept.
  if waiting == 0 then redis.call('ZREM', campaigns_of(part), campaign_of(part)) end
  if not set(n[6]) then redis.call('HSET', part, 'finished', text(now)) end
  return true
end

-- The numbers of the texts of an end: reason, detail, photo, previous photo; 0 is
-- none. Only so many details are kept.
local function word_numbers(part, words)
  local wanted = {}
  for _, word in ipairs(words) do
    if set(word) then wanted[#wanted + 1] = word end
  end
  local known = #wanted > 0 and redis.call('HMGET', part .. ':index', unpack(wanted)) or {}
  local numbers, at = {}, 0
  for i, word in ipairs(words) do
    numbers[i] = 0
    if set(word) then
      at = at + 1
      local n = known[at] or redis.call('HGET', part .. ':index', word) -- twice the same new one
      local full = not n and i == 2 and redis.call('HINCRBY', part, 'details', 1) > MOST_DETAILS
      if not n and not full then
        n = redis.call('HLEN', part .. ':index') + 1
        redis.call('HSET', part .. ':index', word, n)
        redis.call('HSET', part .. ':words', n, word)
        local kept = redis.call('HGET', part, 'until')
        redis.call('PEXPIREAT', part .. ':index', kept)
        redis.call('PEXPIREAT', part .. ':words', kept)
      end
      numbers[i] = number(n)
    end
  end
  return numbers
end

-- Whether a run may go on with its row, at a claim or before a call. Answers 'ok',
-- 'stale' (another feed's, or moved, or back to waiting), 'ended' and the letter,
-- 'paused' (or stopped, or its hours are over), 'closed' and the letter, 'unknown'; with 'ok'
-- where the row stands.
local function row_may(part, row, feed, now)
  local letter, fed = row_look(part, row)
  if letter == '' then return 'unknown' end
  if ENDED[letter] and fed == feed then return 'ended', letter end
  if fed ~= feed or not UNDER_WAY[letter] then return 'stale' end
  local p = redis.call('HMGET', part, 'closed', 'paused', 'shuts', 'stopped')
  if set(p[1]) then return 'closed', p[1] end
  if set(p[2]) or set(p[4]) or (p[3] and number(p[3]) <= now) then return 'paused' end
  return 'ok', letter
end

-- The call of a row begins, if it may. Said again it changes nothing.
local function row_call(part, row, feed, now)
  local may, letter = row_may(part, row, feed, now)
  if may ~= 'ok' then return may, letter end
  if letter ~= 'c' then row_put(part, row, letter, 'c') end
  redis.call('ZADD', part .. ':fed', text(now), text(row))
  return 'ok'
end

-- A row's run ends and the row does not. It is fed again: with the waiting ones while
-- nothing was tried, else when it is due, or, if it is to be the last, after all that
-- were not called yet. Said again it changes nothing.
local function row_snooze(part, row, feed, now, due, tried, last)
  local letter, fed = row_look(part, row)
  if letter == '' then return 'unknown' end
  if ENDED[letter] and fed == feed then return 'ended', letter end
  if fed ~= feed or letter == 'l' or letter == 'm' then return 'stale' end
  if not UNDER_WAY[letter] then return 'ok' end
  redis.call('ZREM', part .. ':fed', text(row))
  local r = redis.call('HMGET', record_of(part, row), 'calls', 'policy')
  if tried or number(r[1]) > 0 or (set(r[2]) and r[2] ~= '{}') then
    row_put(part, row, letter, 'r')
    local at = math.max(now, math.min(due, now + MOST_LATER))
    if last then at = at + LAST end
    redis.call('ZADD', part .. ':later', text(at), text(row))
    redis.call('PEXPIREAT', part .. ':later', redis.call('HGET', part, 'until'))
  else
    row_put(part, row, letter, 'w')
    redis.call('DEL', record_of(part, row))
    local chunk = text((place_of(row)))
    redis.call('ZADD', part .. ':todo', chunk, chunk)
    redis.call('PEXPIREAT', part .. ':todo', redis.call('HGET', part, 'until'))
  end
  part_rest(part, now)
  return 'ok'
end

-- A row ends. e holds what Go packs of the end (16 bytes: value, attempts, status,
-- when, how long), reason, detail, photo, previous photo. Answers 'ok', 'already' and
-- the letter, 'stale' (another feed's, or moved), 'unknown'; with 'ok' also whether it
-- was the last row of the part. The first end of a feed wins; said again it is 'ok'.
local function row_settle(part, row, feed, to, e, now)
  local letter, fed = row_look(part, row)
  if letter == '' then return 'unknown' end
  if fed ~= feed or feed == 0 or letter == 'l' or letter == 'm' then return 'stale' end
  local chunk, at = place_of(row)
  if ENDED[letter] and letter ~= to then return 'already', letter end
  local words = word_numbers(part, {e[2] or '', e[3] or '', e[4] or '', e[5] or ''})
  local how = e[1] .. packed(words[1]) .. packed(words[2]) .. packed(words[3]) .. packed(words[4])
  local key = row_room(part, ':d:', chunk, END)
  if letter == to then
    if redis.call('GETRANGE', key, at * END, at * END + END - 1) == how then return 'ok', part_rest(part, now) end
    return 'already', letter
  end
  redis.call('SETRANGE', key, at * END, how)
  row_put(part, row, letter, to)
  redis.call('ZREM', part .. ':fed', text(row))
  if letter == 'r' then redis.call('ZREM', part .. ':later', text(row)) end
  redis.call('DEL', record_of(part, row))
  if set(e[2]) and redis.call('HINCRBY', part .. ':why', to .. e[2], 1) == 1 then
    redis.call('PEXPIREAT', part .. ':why', redis.call('HGET', part, 'until'))
  end
  local p = redis.call('HMGET', part, 'last', 'first_end', 'stop_at')
  local last = ((p[1] or '') .. to):sub(-50)
  redis.call('HSET', part, 'last', last, 'last_end', text(now))
  -- Too many bad ends: no more calls until somebody has looked at it.
  local _, bad = last:gsub('[RF]', '')
  if number(p[3]) > 0 and bad >= number(p[3]) and (to == 'R' or to == 'F') then redis.call('HSET', part, 'stopped', '1') end
  if not set(p[2]) then redis.call('HSET', part, 'first_end', text(now)) end
  return 'ok', part_rest(part, now)
end
