-- campaign_sweep: give the waiting rows of a closed part the letter that it was
-- closed with. They count so already.
-- KEYS  1 part
-- ARGV  1 how many chunks at most · 2 reason when cancelled · 3 reason when expired
-- gives {how many chunks are left}
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
return {text(redis.call('ZCARD', part .. ':todo'))}
