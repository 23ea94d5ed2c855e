-- The runs whose ids lie between ARGV[4] and ARGV[5] (as ZRANGEBYLEX has it), the ARGV[6] newest. KEYS[1]: the ids.
local answer = {time[1], time[2], 'ok'}
local found = {}
local ids = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[4], ARGV[5])
for first = 1, #ids, 1000 do
  local last = math.min(first + 999, #ids)
  for index, score in ipairs(redis.call('ZMSCORE', prefix .. 'runs', unpack(ids, first, last))) do
    found[#found + 1] = {tonumber(score or '') or 0, ids[first + index - 1]}
  end
end
table.sort(found, function(one, two) return one[1] > two[1] end)
for index = 1, math.min(#found, tonumber(ARGV[6])) do
  answer[#answer + 1] = found[index][2]
end
return answer
