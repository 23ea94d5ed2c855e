-- A request is not run: nobody waits for it, or it is none. KEYS: the request, the lane. ARGV: prefix, the worker, the lane's entry.
local time = redis.call('TIME')
redis.call('XACK', KEYS[2], 'workers', ARGV[3])
redis.call('XDEL', KEYS[2], ARGV[3])
if redis.call('HGET', KEYS[1], 'worker') == ARGV[2] then
  redis.call('HSET', KEYS[1], 'lost', 1)
end
return {time[1], time[2]}
