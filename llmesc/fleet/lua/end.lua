-- A worker has left. KEYS: the workers, what they say, its mail, then its lanes. ARGV: prefix, its name.
local time = redis.call('TIME')
redis.call('ZREM', KEYS[1], ARGV[2])
redis.call('HDEL', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[3])
for at = 4, #KEYS do
  local pending = redis.pcall('XPENDING', KEYS[at], 'workers', '-', '+', 1, ARGV[2])
  if type(pending) == 'table' and not pending.err and #pending == 0 then
    redis.pcall('XGROUP', 'DELCONSUMER', KEYS[at], 'workers', ARGV[2])
  end
end
return {time[1], time[2]}
