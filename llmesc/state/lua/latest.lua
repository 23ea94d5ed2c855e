-- The first ARGV[4] of each of the lists KEYS.
local answer = {time[1], time[2], 'ok'}
for each, key in ipairs(KEYS) do
  answer[3 + each] = redis.call('LRANGE', key, 0, ARGV[4] - 1)
end
return answer
