-- A page of attempts by when they began. KEYS[1]: the index, whose members are run:attempt; ARGV[4], ARGV[5]: the smallest and the
-- largest score; ARGV[6]: how many to pass over; ARGV[7]: how many; ARGV[8…]: the columns. Answers with one JSON array for each (a
-- column is JSON as it stands); empty where the run was cleared away meanwhile.
local answer = {time[1], time[2], 'ok'}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[4], ARGV[5], 'LIMIT', ARGV[6], ARGV[7])) do
  local run, attempt = string.match(member, '^(.*):(%d+)$')
  local names = {}
  for index = 8, #ARGV do
    names[#names + 1] = attempt .. '.' .. ARGV[index]
  end
  local columns = redis.call('HMGET', prefix .. 'attempts:' .. run, unpack(names))
  local there = columns[1]
  for column = 1, #columns do
    columns[column] = columns[column] or 'null'
  end
  answer[#answer + 1] = there and '[' .. table.concat(columns, ',') .. ']' or ''
end
return answer
