-- Reads hashes at once. KEYS: the hashes. ARGV[4…]: the fields wanted of the first; none: all fields of all of them.
-- Answers with one list for each hash.
local answer = {time[1], time[2], 'ok'}
if #ARGV > 3 then
  answer[4] = redis.call('HMGET', KEYS[1], unpack(ARGV, 4))
else
  for each, key in ipairs(KEYS) do
    answer[3 + each] = redis.call('HGETALL', key)
  end
end
return answer
