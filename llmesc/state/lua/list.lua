-- A page of runs, newest first. KEYS[1]: the index; ARGV[4], ARGV[5]: the smallest and the largest score; ARGV[6]: how many;
-- ARGV[7…]: the columns. Answers with score and columns in turn, these as one JSON array (a column is JSON as it stands): one text
-- for each run is read far faster than one for each column. Empty where the run was cleared away meanwhile.
local answer = {time[1], time[2], 'ok'}
local found = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[5], ARGV[4], 'WITHSCORES', 'LIMIT', 0, ARGV[6])
for index = 1, #found, 2 do
  local columns = redis.call('HMGET', prefix .. 'run:' .. found[index], unpack(ARGV, 7))
  local there = columns[1]
  for column = 1, #columns do
    columns[column] = columns[column] or 'null'
  end
  answer[#answer + 1] = found[index + 1]
  answer[#answer + 1] = there and '[' .. table.concat(columns, ',') .. ']' or ''
end
return answer
