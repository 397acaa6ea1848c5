-- photo_note: write down what a URL gave.
-- KEYS  1 URL
-- ARGV  1 hash of the source · 2 ETag · 3 Last-Modified · 4 for how long it is fresh · 5 for how long to keep this
--       6 whose ETag and Last-Modified they are
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'source', ARGV[1], 'etag', ARGV[2], 'modified', ARGV[3],
  'fresh', text(clock() + number(ARGV[4])), 'of', ARGV[6], 'span', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
