-- campaign_snooze: the run of a row ends and the row does not.
-- KEYS  1 part
-- ARGV  1 row · 2 feed · 3 'w': back to waiting, its task is gone · 'r' or 'q': its task runs again
-- gives {'ok' | 'stale' | 'ended' | 'unknown', letter that it ended with}
local what, letter = row_snooze(KEYS[1], number(ARGV[1]), number(ARGV[2]), ARGV[3], clock())
return {what, letter or ''}
