-- Adds events of one run, and does for each what the caller says it means. What that is, the caller knows; here it is only seen to
-- that none is added twice, and that all of it happens or nothing.
--
-- KEYS[1]: the hash of the run. ARGV[4]: its id; ARGV[5]: seconds to keep runs; ARGV[6]: how many; ARGV[7]: when the first event
-- was, in microseconds. Then lists, each as a count of strings and the strings: the run's columns should it be new, as names and
-- values; unbroken stretches of events, as first seq, last seq, body; and the writes, each of them as what, key, and a list again.
--
-- Answers ok; or there, and the seqs that are there already: nothing was written then, and the rest is to be sent again.
local BUCKET = 900 * 1000000 -- microseconds; as in totals.lua
local GRACE = 7 * 86400 -- seconds beyond those to keep, after which what nobody cleared away goes by itself

local run_id, keep_seconds, keep_runs = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local position = 7
local function take()
  position = position + 1
  return ARGV[position]
end
local function take_many()
  local count = tonumber(take())
  local from = position + 1
  position = position + count
  return from, position
end
local touched = {}
local function at(name)
  touched[prefix .. name] = true
  return prefix .. name
end

local run, stream = at('run:' .. run_id), at('events:' .. run_id)
at('attempts:' .. run_id)

-- the events: entries of the stream hold unbroken stretches, each under the id `last seq + 1`, so that a reader who has seen
-- everything up to a seq finds the next by its id

local columns_from, columns_to = take_many()
local stretches_from, stretches_to = take_many()
local entries = {}
for index = stretches_from, stretches_to, 3 do
  entries[#entries + 1] = {first = tonumber(ARGV[index]), last = tonumber(ARGV[index + 1]), body = ARGV[index + 2]}
end
local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
local last_there = newest and tonumber(string.match(newest[1], '^%d+')) - 1 or -1
if entries[1] and entries[1].first <= last_there then
  local there = {time[1], time[2], 'there'}
  for _, entry in ipairs(redis.call('XRANGE', stream, (entries[1].first + 1) .. '-0', '+')) do
    for seq = tonumber(entry[2][2]), tonumber(string.match(entry[1], '^%d+')) - 1 do
      for _, own in ipairs(entries) do
        if own.first <= seq and seq <= own.last then
          there[#there + 1] = seq
        end
      end
    end
  end
  if #there > 3 then
    return there
  end
  -- something comes late: streams only grow at their end, so this one is written anew
  for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+')) do
    entries[#entries + 1] = {
      first = tonumber(entry[2][2]), last = tonumber(string.match(entry[1], '^%d+')) - 1, body = entry[2][4],
    }
  end
  table.sort(entries, function(one, two) return one.last < two.last end)
  redis.call('DEL', stream)
end
for _, entry in ipairs(entries) do
  redis.call('XADD', stream, (entry.last + 1) .. '-0', 'f', entry.first, 'b', entry.body)
end

-- what waits for the sinks: where each stretch lies, in the order of writing; a run that somebody waits for is not cleared away

if redis.call('EXISTS', prefix .. 'sinks') == 1 then
  for index = stretches_from, stretches_to, 3 do
    local at_end = redis.call('INCR', prefix .. 'outbox_end')
    redis.call('XADD', prefix .. 'outbox', at_end .. '-0', 'r', run_id, 'f', ARGV[index], 'l', ARGV[index + 1], 'a', ARGV[1],
      's', #ARGV[index + 2])
    redis.call('ZADD', prefix .. 'undelivered', at_end, run_id)
  end
end

-- the run

local score = redis.call('HGET', run, 'score')
local is_new = not score
if is_new then
  local wanted = tonumber(ARGV[7])
  score = string.format('%.0f', wanted)
  while redis.call('ZCOUNT', prefix .. 'runs', score, score) > 0 do
    wanted = wanted + 1 -- newest first needs no second order, and whoever reads in pages misses none
    score = string.format('%.0f', wanted)
  end
  redis.call('HSET', run, 'score', score, unpack(ARGV, columns_from, columns_to))
  redis.call('ZADD', at('runs'), score, run_id)
  redis.call('ZADD', at('ids'), 0, run_id)
  redis.call('ZADD', at('unfinished'), score, run_id)
  redis.call('HINCRBY', at('totals:' .. math.floor(score / BUCKET)), 'requests', 1)
end
redis.call('HSET', run, 'alive_at', ARGV[1])

-- what the events mean

local writes = {}
function writes.set(key, first, last)
  redis.call('HSET', at(key), unpack(ARGV, first, last))
end
function writes.default(key, first, last)
  for index = first, last, 2 do
    redis.call('HSETNX', at(key), ARGV[index], ARGV[index + 1])
  end
end
function writes.add(key, first) -- to a JSON array, once
  local had, value = redis.call('HGET', at(key), ARGV[first]) or '[]', ARGV[first + 1]
  if not string.find(had, value, 1, true) then
    had = had == '[]' and '[' .. value .. ']' or string.sub(had, 1, -2) .. ',' .. value .. ']'
    redis.call('HSET', at(key), ARGV[first], had)
  end
end
function writes.push(key, first)
  redis.call('LPUSH', at(key), ARGV[first])
  redis.call('LTRIM', at(key), 0, ARGV[first + 1] - 1)
end
function writes.index(key, first)
  redis.call('ZADD', at(key), ARGV[first], ARGV[first + 1])
end
function writes.index_run(key)
  redis.call('ZADD', at(key), score, run_id)
end
function writes.unindex_run(key)
  redis.call('ZREM', at(key), run_id)
end
-- What a call has reserved, and what became of it; see reserve.lua for the keys. What nobody reserved is settled nowhere.
function writes.hold(key, first, last)
  local attempt, field, amount, ends, note, keep = unpack(ARGV, first, first + 5)
  if redis.call('HSETNX', prefix .. key, attempt, note) == 1 then
    redis.call('EXPIRE', prefix .. key, keep)
    for index = first + 6, last, 3 do
      redis.call('HSET', prefix .. ARGV[index], field, amount .. ' ' .. ends)
      redis.call('HSET', prefix .. ARGV[index + 1], ARGV[index + 2], 1)
      redis.call('EXPIRE', prefix .. ARGV[index], keep)
      redis.call('EXPIRE', prefix .. ARGV[index + 1], keep)
    end
  end
end
local function held_by(key, attempt) -- the amount, and the keys of its pages; empty where nothing is held
  local note = redis.call('HGET', prefix .. key, attempt)
  local is_ours, held = pcall(cjson.decode, note or '[]')
  return is_ours and type(held) == 'table' and held or {}
end
local function settle(key, attempt, field, amount)
  local held = held_by(key, attempt)
  if #held > 0 then
    for index = 2, #held do
      redis.call('HDEL', prefix .. held[index], field)
      local told = redis.pcall('HINCRBY', prefix .. held[index], 'settled', amount or held[1])
      if type(told) == 'table' then -- what stood there was no number: a person wrote it
        redis.call('HSET', prefix .. held[index], 'settled', amount or held[1])
      end
    end
    redis.call('HDEL', prefix .. key, attempt)
  end
end
function writes.settle(key, first)
  settle(key, ARGV[first], ARGV[first + 1], ARGV[first + 2])
end
function writes.keep(key, first) -- it does not lapse any more
  local held = held_by(key, ARGV[first])
  for index = 2, #held do
    redis.call('HSET', prefix .. held[index], ARGV[first + 1], held[1] .. ' inf')
  end
end
function writes.settle_rest(key, first)
  for _, attempt in ipairs(redis.call('HKEYS', prefix .. key)) do
    settle(key, attempt, ARGV[first] .. attempt)
  end
end
function writes.count(key, first, last)
  local bucket = at(key .. math.floor(score / BUCKET))
  for index = first, last, 2 do
    redis.call('HINCRBY', bucket, ARGV[index], ARGV[index + 1])
  end
end

local writes_from = position
while position < #ARGV do
  local what, key = take(), take()
  writes[what](key, take_many())
end

-- what is too old, or too much, goes; no more than a few at a time, so that nobody waits for it

if is_new then
  local oldest_kept = string.format('%.0f', (tonumber(ARGV[1]) - keep_seconds) * 1e6)
  local old = redis.call('ZRANGEBYSCORE', prefix .. 'runs', '-inf', '(' .. oldest_kept, 'LIMIT', 0, 50)
  local too_many = redis.call('ZCARD', prefix .. 'runs') - keep_runs
  if #old == 0 and too_many > 0 then
    old = redis.call('ZRANGE', prefix .. 'runs', 0, math.min(too_many, 50) - 1)
  end
  for _, id in ipairs(old) do
    if not redis.call('ZSCORE', prefix .. 'undelivered', id) then
      redis.call('DEL', prefix .. 'run:' .. id, prefix .. 'attempts:' .. id, prefix .. 'events:' .. id)
      for _, index in ipairs({'runs', 'ids', 'unfinished'}) do
        redis.call('ZREM', prefix .. index, id)
      end
    end
  end
  if #old > 0 then
    local oldest = redis.call('ZRANGE', prefix .. 'runs', 0, 0, 'WITHSCORES')[2]
    for key in pairs(touched) do
      if oldest and (key == prefix .. 'by_start' or string.find(key, prefix .. 'by_provider:', 1, true) == 1) then
        redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. oldest)
      end
    end
  end
end
if is_new or position > writes_from then -- tokens alone put nothing off: a run does not take as long as GRACE
  for key in pairs(touched) do
    redis.call('EXPIRE', key, keep_seconds + GRACE)
  end
end
redis.call('XADD', prefix .. 'news', 'MAXLEN', '~', 256, '*', 'of', 'run', 'id', run_id)
return {time[1], time[2], 'ok'}
