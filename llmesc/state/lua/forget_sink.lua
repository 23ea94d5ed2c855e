-- Forgets one sink, the field ARGV[4] of the hash KEYS[1]. With the last one goes everything that waits.
redis.call('HDEL', KEYS[1], ARGV[4])
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('DEL', prefix .. 'outbox', prefix .. 'undelivered')
end
return {time[1], time[2], 'ok'}
