-- How much there is, and what the server says of its memory, where it may be asked.
local function line(name)
  local told = redis.pcall('INFO', 'memory')
  return type(told) == 'string' and string.match(told, name .. ':([^\r\n]*)') or ''
end
return {
  time[1], time[2], 'ok',
  redis.call('ZCARD', KEYS[1]), redis.call('HLEN', prefix .. 'circuits'), redis.call('HLEN', prefix .. 'denials'),
  line('maxmemory_policy'), line('used_memory'), line('maxmemory'),
}
