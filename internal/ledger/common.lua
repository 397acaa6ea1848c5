-- Shared beginning of every script of the ledger. Times are milliseconds of
-- Redis' own clock. One run of the worker has one token; one right to call has
-- one turn id. Every script may arrive twice (a lost reply makes the client
-- send it again) and must then change nothing more.

local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function text(ms)
  return string.format('%.0f', ms)
end

-- A stored time may come from before a jump of the clock. One that is further
-- away than it can be is cut to that, and written down so: cutting it anew each
-- time would never let it pass.
local function believe(key, field, stored, now, most)
  local at = tonumber(stored or 0) or 0
  if at > now + most then
    at = now + most
    redis.call('HSET', key, field, text(at))
  end
  return at
end

local function number(text)
  return tonumber(text or 0) or 0
end

-- An empty text and a missing field are the same to us.
local function set(text)
  return text and text ~= ''
end

-- Keep a key at least until a moment: a later, longer wish extends its life, a
-- shorter one never cuts it.
local function keep_until(key, at)
  local left = redis.call('PTTL', key)
  if left == -1 or left < at - clock() then
    redis.call('PEXPIREAT', key, text(at))
  end
end
