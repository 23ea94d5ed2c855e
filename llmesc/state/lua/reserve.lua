-- Reserves money for a call on all of its pages, or on none. KEYS[1]: the hash of what its run has reserved; then the page of each
-- account, a hash of what is settled there and of what each call has reserved, `amount until`. All amounts are whole numbers.
-- ARGV[4]: the attempt; ARGV[5]: the amount; ARGV[6]: until when; ARGV[7]: what is to be known of it when it is settled; ARGV[8]: its
-- field on each page; ARGV[9]: seconds to keep all this; then for each page its limit (empty: none), its index, its name there.
-- Answers ok; or over, and whatever stands on each page.
local attempt, amount, field, keep = ARGV[4], tonumber(ARGV[5]), ARGV[8], ARGV[9]
if redis.call('HEXISTS', KEYS[1], attempt) == 1 then
  return {time[1], time[2], 'ok'} -- asked again, because the first answer was lost on its way
end
local passed = false
for page = 2, #KEYS do
  local sum, fields = amount, redis.call('HGETALL', KEYS[page])
  for index = 1, #fields, 2 do
    local counts, ends = string.match(fields[index + 1], '^(%d+) ?(%S*)$')
    if counts and (ends == '' or ends == 'inf' or tonumber(ends) > tonumber(ARGV[1])) then
      sum = sum + counts
    elseif counts then
      redis.call('HDEL', KEYS[page], fields[index])
    end
  end
  local limit = ARGV[10 + 3 * (page - 2)]
  passed = passed or (limit ~= '' and sum > tonumber(limit))
end
if passed then
  local answer = {time[1], time[2], 'over'}
  for page = 2, #KEYS do
    answer[#answer + 1] = redis.call('HGETALL', KEYS[page])
  end
  return answer
end
for page = 2, #KEYS do
  local index, name = ARGV[11 + 3 * (page - 2)], ARGV[12 + 3 * (page - 2)]
  redis.call('HSET', KEYS[page], field, ARGV[5] .. ' ' .. ARGV[6])
  redis.call('HSET', prefix .. index, name, 1)
  redis.call('EXPIRE', KEYS[page], keep)
  redis.call('EXPIRE', prefix .. index, keep)
end
redis.call('HSET', KEYS[1], attempt, ARGV[7])
redis.call('EXPIRE', KEYS[1], keep)
return {time[1], time[2], 'ok'}
