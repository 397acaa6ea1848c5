-- photo_keep: put a photo into the store, or only prolong its life.
-- KEYS  1 photo
-- ARGV  1 keep until · 2 bytes (absent: only prolong)
-- gives 1 when the photo is in the store, 0 when it is not
if redis.call('TYPE', KEYS[1]).ok ~= 'string' then -- missing, or nothing of ours
  if not ARGV[2] then return 0 end
  redis.call('SET', KEYS[1], ARGV[2])
end
keep_until(KEYS[1], number(ARGV[1]))
return 1
