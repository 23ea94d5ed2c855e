-- Writes the denial ARGV[4] = ARGV[5] into the hash KEYS[1], and clears away those that have expired: each value begins with the
-- second in which it ends (`inf`: never), and a space.
local fields = redis.call('HGETALL', KEYS[1])
for index = 1, #fields, 2 do
  local ends = tonumber(string.match(fields[index + 1], '^%S*'))
  if ends and ends <= tonumber(ARGV[1]) then
    redis.call('HDEL', KEYS[1], fields[index])
  end
end
redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
redis.call('XADD', prefix .. 'news', 'MAXLEN', '~', 256, '*', 'of', 'denials')
return {time[1], time[2], 'ok'}
