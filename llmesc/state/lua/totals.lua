-- Sums over the runs that began at ARGV[4], in microseconds, or later. KEYS[1]: the index of the runs. What lies in whole buckets
-- was added up when it was written; only the runs of the first, broken bucket are looked at.
local BUCKET = 900 * 1000000 -- microseconds; as in append.lua
local NAMES = {'requests', 'answered', 'failed', 'input_tokens', 'output_tokens', 'nano_dollars', 'cost_unknown'}
local sums = {0, 0, 0, 0, 0, 0, 0}
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
if oldest then
  local since = tonumber(ARGV[4])
  local newest = tonumber(redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
  local whole = math.max(math.ceil(since / BUCKET), math.floor(oldest / BUCKET))
  local first = string.format('%.0f', since)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], first, string.format('(%.0f', whole * BUCKET))) do
    local run = redis.call('HMGET', prefix .. 'run:' .. id, unpack(NAMES, 2))
    sums[1] = sums[1] + 1
    for index = 2, #NAMES do
      sums[index] = sums[index] + (tonumber(run[index - 1] or '') or 0)
    end
  end
  for bucket = whole, math.floor(newest / BUCKET) do
    local counted = redis.call('HMGET', prefix .. 'totals:' .. bucket, unpack(NAMES))
    for index = 1, #NAMES do
      sums[index] = sums[index] + (tonumber(counted[index] or '') or 0)
    end
  end
end
for index = 1, #NAMES do
  sums[index] = string.format('%.0f', sums[index])
end
return {time[1], time[2], 'ok', sums}
