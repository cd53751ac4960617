-- KEYS[1]: the space. ARGV: the channel, the flag's key, its microseconds from now
-- (0 to remove it), the flag as text.
--
-- See beat.lua for what a space is.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local field, left = 'flag ' .. ARGV[2], tonumber(ARGV[3])
local found = redis.pcall('HGET', KEYS[1], field)
if type(found) == 'table' and string.find(found.err or '', 'WRONGTYPE') then
  redis.call('DEL', KEYS[1])
end
if left > 0 then
  redis.call('HSET', KEYS[1], field, string.format('%.0f ', now + left) .. ARGV[4])
  local expires = math.ceil(left / 1000) + 1000
  if redis.call('PTTL', KEYS[1]) < expires then
    redis.call('PEXPIRE', KEYS[1], string.format('%.0f', expires))
  end
else
  redis.call('HDEL', KEYS[1], field)
end
redis.pcall('PUBLISH', ARGV[1], ARGV[4]) -- a user without the permission is found by beats
return 1
