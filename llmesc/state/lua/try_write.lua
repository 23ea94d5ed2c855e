-- Writes KEYS[1] and takes it back.
redis.call('SET', KEYS[1], ARGV[4])
redis.call('DEL', KEYS[1])
return {time[1], time[2], 'ok'}
