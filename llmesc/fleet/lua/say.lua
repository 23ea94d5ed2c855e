-- Adds a part to an answer, while its reader is not too far behind. KEYS: the request, the answer, the lane. ARGV: prefix, the worker,
-- the lane's entry, body, signature, how many parts may lie unread, whether content has come ('1'), whether it is the last ('1').
-- Answers 'ok'; 'full'; or 'gone': nobody waits for it, or another worker has it.
local time = redis.call('TIME')
local job, answer, lane = KEYS[1], KEYS[2], KEYS[3]
if redis.call('HGET', job, 'worker') ~= ARGV[2] or redis.call('HGET', job, 'lost') then
  return {time[1], time[2], 'gone'}
end
if ARGV[8] ~= '1' and redis.call('XLEN', answer) >= tonumber(ARGV[6]) then
  return {time[1], time[2], 'full'}
end
redis.call('XADD', answer, '*', 'part', ARGV[4], 'signature', ARGV[5])
redis.call('PEXPIRE', answer, math.max(redis.call('PTTL', job), 1000))
if ARGV[7] == '1' then
  redis.call('HSET', job, 'begun', 1)
end
if ARGV[8] == '1' then
  redis.call('XACK', lane, 'workers', ARGV[3])
  redis.call('XDEL', lane, ARGV[3])
  redis.call('HSET', job, 'done', 1)
end
return {time[1], time[2], 'ok'}
