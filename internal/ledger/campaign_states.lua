-- campaign_states: the counters of a part and what they are a cache of, at one
-- moment.
-- KEYS  1 part
-- ARGV  1 '1': write what was counted into the counters
-- gives {fields of the part, chunk, letters, chunk, letters, …}
local part = KEYS[1]
local chunks = redis.call('ZRANGE', part .. ':chunks', 0, -1)
local letters = {}
for i, chunk in ipairs(chunks) do letters[i] = redis.call('GET', part .. ':s:' .. chunk) or '' end
if ARGV[1] == '1' and #chunks > 0 then
  local all = table.concat(letters)
  local total = 0
  for letter in ('wqcrURFSNEXlm'):gmatch('.') do
    local _, n = all:gsub(letter, '')
    redis.call('HSET', part, letter, n)
    if letter ~= 'l' and letter ~= 'm' then total = total + n end
  end
  redis.call('HSET', part, 'total', total)
  for i, chunk in ipairs(chunks) do
    if letters[i]:find('w', 1, true) then redis.call('ZADD', part .. ':todo', chunk, chunk) end
    for at in letters[i]:gmatch('()r') do
      redis.call('ZADD', part .. ':later', 'NX', text(clock()), text(number(chunk) * WIDTH + at))
    end
  end
  if not part_rest(part, clock()) then redis.call('ZADD', campaigns_of(part), 'NX', 0, campaign_of(part)) end
end
local answer = {redis.call('HGETALL', part)}
for i, chunk in ipairs(chunks) do
  answer[2 * i], answer[2 * i + 1] = chunk, letters[i]
end
return answer
