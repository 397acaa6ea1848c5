-- campaign_sweep: give the waiting and retrying rows of a closed part the letter that it was
-- closed with. They count so already.
-- KEYS  1 part
-- ARGV  1 how many chunks at most, and twenty times as many retrying rows · 2 reason when cancelled · 3 reason when expired
-- gives {how many chunks and retrying rows are left}
local part = KEYS[1]
local closed = redis.call('HGET', part, 'closed')
if not set(closed) then return {'0'} end
local why = closed .. ARGV[2]
if closed == 'E' then why = closed .. ARGV[3] end
for _, chunk in ipairs(redis.call('ZRANGE', part .. ':todo', 0, number(ARGV[1]) - 1)) do
  local key = part .. ':s:' .. chunk
  local letters, n = (redis.call('GET', key) or ''):gsub('w', closed)
  if n > 0 then
    redis.call('SETRANGE', key, 0, letters)
    redis.call('HINCRBY', part, 'w', -n)
    redis.call('HINCRBY', part, closed, n)
    redis.call('HINCRBY', part .. ':why', why, n)
    redis.call('PEXPIREAT', part .. ':why', redis.call('HGET', part, 'until'))
  end
  redis.call('ZREM', part .. ':todo', chunk)
end
local n = 0
for _, row in ipairs(redis.call('ZRANGE', part .. ':later', 0, 20 * number(ARGV[1]) - 1)) do
  if row_look(part, number(row)) == 'r' then
    row_put(part, number(row), 'r', closed)
    redis.call('DEL', record_of(part, number(row)))
    n = n + 1
  end
  redis.call('ZREM', part .. ':later', row)
end
if n > 0 then
  redis.call('HINCRBY', part .. ':why', why, n)
  redis.call('PEXPIREAT', part .. ':why', redis.call('HGET', part, 'until'))
end
local left = redis.call('ZCARD', part .. ':todo') + redis.call('ZCARD', part .. ':later')
if left == 0 then part_rest(part, clock()) end
return {text(left)}
