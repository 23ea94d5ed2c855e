-- How a request fares whose answer is silent. KEYS: the request, the workers. ARGV: prefix. Answers 'gone', 'lost', 'done', 'waiting';
-- or 'running' or 'orphaned' (its worker keeps no lease), and the worker; and last whether some of the answer was told ('1').
local time = redis.call('TIME')
local facts = redis.call('HMGET', KEYS[1], 'body', 'lost', 'done', 'worker', 'begun')
local word, worker = 'waiting', facts[4] or ''
if not facts[1] then
  word = 'gone'
elseif facts[2] then
  word = 'lost'
elseif facts[3] then
  word = 'done'
elseif facts[4] then
  local until_ms = tonumber(redis.call('ZSCORE', KEYS[2], facts[4]) or 0)
  word = until_ms > time[1] * 1000 + math.floor(time[2] / 1000) and 'running' or 'orphaned'
end
return {time[1], time[2], word, worker, facts[5] or ''}
