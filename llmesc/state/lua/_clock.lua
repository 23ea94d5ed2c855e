-- What every script begins with. ARGV[1]: the time that the caller took for the server's, in seconds; ARGV[2]: how far off it may
-- be, empty where it is not to be looked at; ARGV[3]: what every key begins with. Each answer begins with the server's time.
local time = redis.call('TIME')
local prefix = ARGV[3]
if ARGV[2] ~= '' and math.abs(time[1] + time[2] / 1e6 - tonumber(ARGV[1])) > tonumber(ARGV[2]) then
  return {time[1], time[2], 'clock'}
end
