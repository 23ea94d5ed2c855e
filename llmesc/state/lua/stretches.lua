-- All events of some runs. KEYS: their streams. Answers with one list for each: its entries, oldest first.
local answer = {time[1], time[2], 'ok'}
for each, key in ipairs(KEYS) do
  answer[3 + each] = redis.call('XRANGE', key, '-', '+')
end
return answer
