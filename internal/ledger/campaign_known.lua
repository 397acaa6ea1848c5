-- campaign_known: rows that ended elsewhere end here too, before they were ever fed.
-- KEYS  1 part
-- ARGV  per row: row, letter and end as row_settle takes them
-- gives {how many}
local part, now, n = KEYS[1], clock(), 0
for i = 1, #ARGV, 7 do
  local row = number(ARGV[i])
  local letter, fed = row_look(part, row)
  if letter == 'w' and fed == 0 then
    local chunk, at = place_of(row)
    redis.call('SETRANGE', row_room(part, ':f:', chunk, FEED), at * FEED, packed(1))
    row_settle(part, row, 1, ARGV[i + 1], {ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6]}, now)
    n = n + 1
  end
end
-- They say nothing of how fast it goes, and of how well.
redis.call('HINCRBY', part, 'known', n)
redis.call('HDEL', part, 'last', 'stopped', 'first_end', 'last_end')
return {text(n)}
