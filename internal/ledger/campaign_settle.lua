-- campaign_settle: a row ends; the first end of a feed wins and is the truth.
-- KEYS  1 part
-- ARGV  1 row · 2 feed · 3 letter of the end · 4 the end, as Go packs it · 5 reason · 6 detail · 7 photo
--       8 previous photo
-- gives {'ok', '1': it was the part's last row} · {'already', letter} · {'stale'} · {'unknown'}
local e = {ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]}
local what, more = row_settle(KEYS[1], number(ARGV[1]), number(ARGV[2]), ARGV[3], e, clock())
if what == 'ok' then more = more and '1' or '' end
return {what, more or ''}
