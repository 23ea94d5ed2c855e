-- Compare and set: one field of the hash KEYS[1] is replaced if it is still what the caller made the new value from.
-- A value begins with a tag that no other value has, and a space. ARGV[4]: the field; ARGV[5]: the tag that is expected to be
-- there, empty for nothing; ARGV[6]: the tag of the new value; ARGV[7]: the new value; ARGV[8]: what to tell those who follow.
-- Answers ok, or moved and the value that is there.
local current = redis.call('HGET', KEYS[1], ARGV[4])
local tag = current and string.match(current, '^%S*') or ''
if tag == ARGV[6] then
  return {time[1], time[2], 'ok'} -- asked again, because the first answer was lost on its way
end
if tag ~= ARGV[5] then
  return {time[1], time[2], 'moved', current}
end
redis.call('HSET', KEYS[1], ARGV[4], ARGV[7])
if ARGV[8] ~= '' then
  redis.call('XADD', prefix .. 'news', 'MAXLEN', '~', 256, '*', 'of', ARGV[8])
end
return {time[1], time[2], 'ok'}
