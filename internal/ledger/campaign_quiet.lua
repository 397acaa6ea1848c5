-- campaign_quiet: which rows under way there was no news of for a while.
-- KEYS  1 the account's campaigns
-- ARGV  1 for how long · 2 how many at most · 3 of which campaign alone, '' of all
-- gives one line per row: campaign, row, feed
local now, most, lines = clock(), number(ARGV[2]), {}
local prefix = KEYS[1]:sub(1, -10) .. 'c:'
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local fed = prefix .. id .. ':fed'
  -- What is from before a jump of the clock.
  for _, row in ipairs(redis.call('ZRANGEBYSCORE', fed, '(' .. text(now), '+inf')) do
    redis.call('ZADD', fed, text(now), row)
  end
  local later = prefix .. id .. ':later'
  for _, row in ipairs(redis.call('ZRANGEBYSCORE', later, '(' .. text(now + MOST_LATER), '(' .. text(LAST))) do
    redis.call('ZADD', later, text(now), row)
  end
  for _, row in ipairs(redis.call('ZRANGEBYSCORE', later, '(' .. text(LAST + now + MOST_LATER), '+inf')) do
    redis.call('ZADD', later, text(LAST + now), row)
  end
  if #lines < most and (ARGV[3] == '' or ARGV[3] == id) then
    for _, row in ipairs(redis.call('ZRANGEBYSCORE', fed, '-inf', text(now - number(ARGV[1])), 'LIMIT', 0, most - #lines)) do
      local _, feed = row_look(prefix .. id, number(row))
      lines[#lines + 1] = id .. ' ' .. row .. ' ' .. text(feed)
    end
  end
end
return {table.concat(lines, '\n')}
