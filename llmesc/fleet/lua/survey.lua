-- Who lives. KEYS: the workers, what they say, then lanes. ARGV: prefix. Answers with how many workers, signature and words of each,
-- then how many wait and how many run in each lane.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {time[1], time[2], '0'}
local live = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'LIMIT', 0, 1000)
for _, worker in ipairs(live) do
  answer[#answer + 1] = redis.call('HGET', KEYS[2], worker) or ''
end
answer[3] = tostring(#live)
for at = 3, #KEYS do
  local held = redis.pcall('XPENDING', KEYS[at], 'workers')
  local running = type(held) == 'table' and not held.err and held[1] or 0
  answer[#answer + 1] = tostring(redis.call('XLEN', KEYS[at]) - running)
  answer[#answer + 1] = tostring(running)
end
return answer
