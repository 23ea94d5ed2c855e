-- A worker lives, and keeps its leases. KEYS: the workers, what they say. ARGV: prefix, its name, how long a lease is (ms), what it says, its
-- signature, then lane, entry and id of each request it runs. Answers with the ids of those that are not its own any more.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local prefix, worker = ARGV[1], ARGV[2]
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - 3600000)) do
  redis.call('ZREM', KEYS[1], dead)
  redis.call('HDEL', KEYS[2], dead)
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), worker)
redis.call('HSET', KEYS[2], worker, ARGV[5] .. ' ' .. ARGV[4])
local answer = {time[1], time[2]}
for at = 6, #ARGV, 3 do
  local facts = redis.call('HMGET', prefix .. 'fleet:job:' .. ARGV[at + 2], 'worker', 'lost')
  if facts[1] == worker and not facts[2] then
    redis.call('XCLAIM', prefix .. 'fleet:lane:' .. ARGV[at], 'workers', worker, 0, ARGV[at + 1], 'JUSTID')
  else
    answer[#answer + 1] = ARGV[at + 2]
  end
end
return answer
