-- Puts a request into a lane, where there is room. KEYS: the lane, the request. ARGV: prefix, its id, the lane's name, body, signature,
-- how many the lane may hold, running and waiting; when it is gone (ms). Answers 'ok', or 'full' and how many wait.
local time = redis.call('TIME')
local lane, job = KEYS[1], KEYS[2]
redis.pcall('XGROUP', 'CREATE', lane, 'workers', '0', 'MKSTREAM')
local most = tonumber(ARGV[6])
if redis.call('XLEN', lane) >= most then
  -- Those whose asker died wait no more: their request has gone by itself.
  for _, entry in ipairs(redis.call('XRANGE', lane, '-', '+', 'COUNT', 1000)) do
    if redis.call('EXISTS', ARGV[1] .. 'fleet:job:' .. tostring(entry[2][2])) == 0 then
      redis.call('XACK', lane, 'workers', entry[1])
      redis.call('XDEL', lane, entry[1])
    end
  end
end
local held = redis.call('XLEN', lane)
if held >= most then
  return {time[1], time[2], 'full', tostring(held - redis.call('XPENDING', lane, 'workers')[1])}
end
local entry = redis.call('XADD', lane, '*', 'job', ARGV[2])
redis.call('HSET', job, 'body', ARGV[4], 'signature', ARGV[5], 'lane', ARGV[3], 'entry', entry, 'tries', 0)
redis.call('PEXPIREAT', job, ARGV[7])
return {time[1], time[2], 'ok'}
