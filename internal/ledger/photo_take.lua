-- photo_take: read what is kept under a name, and prolong its life.
-- KEYS  1 photo, or a source's entry in the index
-- ARGV  1 keep until
-- gives the text, nothing when there is none (or something that is not ours)
if redis.call('TYPE', KEYS[1]).ok ~= 'string' then return false end
keep_until(KEYS[1], number(ARGV[1]))
return redis.call('GET', KEYS[1])
