-- campaign_back: rows under way whose tasks were looked for: those that have none
-- wait for being fed again, there is news of the others.
-- KEYS  1 part
-- ARGV  per row: row, feed, '1': its task is there
-- gives {how many went back}
local part, now, back = KEYS[1], clock(), 0
for i = 1, #ARGV, 3 do
  local row, feed = number(ARGV[i]), number(ARGV[i + 1])
  local letter, fed = row_look(part, row)
  if not UNDER_WAY[letter] then
    redis.call('ZREM', part .. ':fed', ARGV[i])
  elseif fed == feed and ARGV[i + 2] == '1' then
    redis.call('ZADD', part .. ':fed', text(now), ARGV[i])
  elseif fed == feed and row_snooze(part, row, feed, now, now) == 'ok' then
    back = back + 1
  end
end
return {text(back)}
