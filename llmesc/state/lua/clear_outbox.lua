-- Every sink has what the stream KEYS[1] names up to the position ARGV[4]: nobody waits for it any more.
redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f-0', ARGV[4] + 1))
redis.call('ZREMRANGEBYSCORE', prefix .. 'undelivered', '-inf', ARGV[4])
return {time[1], time[2], 'ok'}
