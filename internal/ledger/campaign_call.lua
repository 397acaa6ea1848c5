-- campaign_call: the call of a row begins.
-- KEYS  1 part
-- ARGV  1 row · 2 feed
-- gives {'ok' | 'stale' | 'ended' | 'paused' | 'closed' | 'unknown', letter that it ended or closed with}
local what, letter = row_call(KEYS[1], number(ARGV[1]), number(ARGV[2]), clock())
return {what, letter or ''}
