-- Removes the denials ARGV[4…] from the hash KEYS[1].
redis.call('HDEL', KEYS[1], unpack(ARGV, 4))
redis.call('XADD', prefix .. 'news', 'MAXLEN', '~', 256, '*', 'of', 'denials')
return {time[1], time[2], 'ok'}
