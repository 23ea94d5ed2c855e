-- Claims one request for a worker that can start it now. KEYS: its lanes, in the order it looks at them. ARGV: prefix, the worker,
-- how long a lease is (ms), how often a request may be begun. Answers 'run', the number of the lane, entry, id, body, signature; or
-- 'none' and the newest entry of each lane, to wait behind.
local time = redis.call('TIME')
local prefix, worker = ARGV[1], ARGV[2]

local function drop(lane, entry)
  redis.call('XACK', lane, 'workers', entry)
  redis.call('XDEL', lane, entry)
end

local function waits_for(id)
  return redis.call('TYPE', prefix .. 'fleet:job:' .. id).ok == 'hash'
end

local function taken(number, lane, entry, id)
  local job = prefix .. 'fleet:job:' .. id
  redis.call('HSET', job, 'worker', worker)
  redis.call('HINCRBY', job, 'tries', 1)
  local kept = redis.call('HMGET', job, 'body', 'signature')
  return {time[1], time[2], 'run', tostring(number), entry, id, kept[1] or '', kept[2] or ''}
end

for number, lane in ipairs(KEYS) do
  redis.pcall('XGROUP', 'CREATE', lane, 'workers', '0', 'MKSTREAM')
  -- What a worker had that keeps no lease any more: begun anew, unless some of it was told already.
  for _, held in ipairs(redis.call('XPENDING', lane, 'workers', 'IDLE', ARGV[3], '-', '+', 16)) do
    local entry = redis.call('XRANGE', lane, held[1], held[1])[1]
    local id = entry and tostring(entry[2][2])
    local job = prefix .. 'fleet:job:' .. tostring(id)
    if not id or not waits_for(id) then
      drop(lane, held[1])
    elseif redis.call('HGET', job, 'begun') or tonumber(redis.call('HGET', job, 'tries') or 0) >= tonumber(ARGV[4]) then
      drop(lane, held[1])
      redis.call('HSET', job, 'lost', 1)
    elseif #redis.call('XCLAIM', lane, 'workers', worker, ARGV[3], held[1], 'JUSTID') > 0 then
      redis.call('DEL', prefix .. 'fleet:answer:' .. id)
      return taken(number, lane, held[1], id)
    end
  end
  while true do
    local found = redis.call('XREADGROUP', 'GROUP', 'workers', worker, 'COUNT', 1, 'STREAMS', lane, '>')
    if not found then
      break
    end
    local entry = found[1][2][1]
    local id = tostring(entry[2][2])
    if waits_for(id) then
      return taken(number, lane, entry[1], id)
    end
    drop(lane, entry[1])
  end
end

local answer = {time[1], time[2], 'none'}
for number, lane in ipairs(KEYS) do
  local facts = redis.call('XINFO', 'STREAM', lane)
  for at = 1, #facts, 2 do
    if facts[at] == 'last-generated-id' then
      answer[3 + number] = facts[at + 1]
    end
  end
end
return answer
