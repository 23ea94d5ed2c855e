-- Nobody waits for an answer any more. KEYS: the request, the answer. ARGV: prefix, its id. Answers whether a worker was told ('1').
local time = redis.call('TIME')
local job = KEYS[1]
local facts = redis.call('HMGET', job, 'lane', 'entry', 'worker', 'done')
redis.call('DEL', job, KEYS[2])
local told = ''
if facts[1] and not facts[4] then
  local lane = ARGV[1] .. 'fleet:lane:' .. facts[1]
  if facts[3] then
    local mail = ARGV[1] .. 'fleet:mail:' .. facts[3]
    redis.call('XADD', mail, 'MAXLEN', '~', 256, '*', 'word', 'cancel', 'about', ARGV[2])
    redis.call('PEXPIRE', mail, 60000)
    told = '1'
  else
    redis.call('XACK', lane, 'workers', facts[2])
    redis.call('XDEL', lane, facts[2])
  end
end
return {time[1], time[2], told}
